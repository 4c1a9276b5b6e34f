"""Go or no-go: what of the topics and of the mirror stands in the way of a switch.

Values in, checks out. A switch that goes ahead waits for what only takes time (a topic that the
mirror has not created yet, records on their way); whoever asks beforehand is told of it.
"""

import math
import re
from collections.abc import Collection, Container, Iterator
from statistics import median

import msgspec
from msgspec.structs import replace

from contract.mirror import PROBE_TOPIC, Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.positions import split
from controlplane.domain.open_transactions import OpenTransaction, outlasting
from controlplane.domain.replica import Watched
from controlplane.domain.reserved import MAPPINGS_TOPIC, reserved_by
from controlplane.domain.switch.causes import left_out
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.view import MirrorState, Timing
from controlplane.domain.unreadable import Unreadable, not_proved

_EXCLUDED = re.compile(r"mm2.*\.internal|.*\.replica|__.*")
"""Default of `topics.exclude` (`DefaultTopicFilter`)."""
_NAMED = 5
_MOST_POSTPONED = 100
"""Partitions that nobody has looked at yet: so many can still be read behind a fence."""
_REMEMBERED = 5
"""So many switches before are looked at."""
WATCH_LIMIT_S = 60.0
"""A watch that did not look for so long stands still: two budgets of a look."""
_OWN_WORK_S = 0.3
"""Draining, comparing and releasing, without what a mirror takes."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on both clusters, for the topics of a scope."""

    direction: Direction
    """Which way records have to be copied for this switch."""
    source: tuple[str, ...]
    """Physical names, in order."""
    target: frozenset[str]
    """Those of them that the target has."""
    prefixed: frozenset[str]
    """Topics that are on the target under the name that MirrorMaker's default policy gives."""
    nobodys: tuple[str, ...] = ()
    """Topics of the source that no virtual cluster sees."""
    has_mappings: bool
    """Whether the target has the topic in which the incumbent's users look topics up."""
    mirror: MirrorState
    lag_records: int
    lag_s: float


def but_for_young(seen: Seen, before: Seen) -> Seen:
    """What two looks have found, without topics that only the later one found to be missing.

    Tenants make topics all the time, and a mirror needs a moment for each: a switch waits for these
    once topics have come to rest.
    """
    lasting = {*before.mirror.far_behind, *before.mirror.gone}
    missing = {name for name in before.source if name not in before.target}
    return replace(
        seen,
        source=tuple(name for name in seen.source if name in seen.target or name in missing),
        mirror=replace(
            seen.mirror,
            far_behind=tuple(name for name in seen.mirror.far_behind if name in lasting),
            gone=tuple(name for name in seen.mirror.gone if name in lasting),
        ),
    )


class Flowing(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of records that were written to be seen."""

    looked_for_s: float
    delay_s: float | None
    """None if none arrived."""
    came_back: bool


def topic_checks(seen: Seen, *, patient: bool) -> Iterator[Check]:
    """What the target's topics are like.

    Args:
        seen: both clusters' topics.
        patient: let pass what the mirror may still do.
    """
    yield from _missing(seen, patient=patient)
    yield from _policy(seen)
    both = [name for name in seen.source if name in seen.target]
    if both:
        yield _check("topics", True, f"{len(both)} topics are on {seen.direction.target}")


def _missing(seen: Seen, *, patient: bool) -> Iterator[Check]:
    missing = [name for name in seen.source if name not in seen.target]
    # A topic stays behind once one of its partitions may; the others are judged under the lag.
    waived = {split(partition)[0] for partition in seen.mirror.waived}
    for name in missing:
        if name in seen.prefixed:
            continue  # said under the policy
        detail = f"topic {name} is not on {seen.direction.target}"
        if name in waived:
            yield _check("topic_missing", True, f"{detail}; waived")
        elif _EXCLUDED.fullmatch(name):
            never = (
                f"{detail}: MirrorMaker 2 leaves such names out by default (topics.exclude);"
                f" set topics.exclude, rename the topic, or leave it behind (--waive {name}-0)"
            )
            yield _check("topic_missing", False, never)
        else:
            why = (
                ": the mirror has not created it yet (refresh.topics.interval.seconds), does not"
                " run, or is not told to copy it (topics)"
            )
            waits = "; the switch waits for the mirror to create it" if patient else why
            yield _check("topic_missing", patient, detail + waits)


def _policy(seen: Seen) -> Iterator[Check]:
    behind = {split(partition)[0] for partition in seen.mirror.behind}
    foreign = sorted(name for name in seen.prefixed if name not in seen.target or name in behind)
    if foreign:
        source, target = seen.direction.source, seen.direction.target
        yield _check(
            "mirror_policy",
            False,
            f"{target} has {source}.{foreign[0]} in place of {foreign[0]}"
            f"{_and_more(len(foreign) - 1)}: MirrorMaker 2 runs with its default policy, which"
            " prefixes names, and clients would find their topics empty; set"
            " replication.policy.class=org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        )


def mapping_check(seen: Seen) -> Check:
    """Where topics are looked up. Not a hindrance: it is written to whichever cluster serves."""
    told = f"{MAPPINGS_TOPIC} is on {seen.direction.target}"
    if not seen.has_mappings:
        told = (
            f"{MAPPINGS_TOPIC} is not on {seen.direction.target}: the mirror does not copy it; it"
            " is written there after the switch"
        )
    return _check("mapping", True, f"{len(seen.source)} topics are mapped; {told}")


def lag_check(seen: Seen) -> Check:
    """How far the target is behind; a moment's worth is what running mirrors always have."""
    target = seen.direction.target
    # Of what cannot be read, or is not there, this says nothing.
    unproved = {*not_proved(seen.mirror.unreadable), *seen.mirror.gone}
    behind = tuple(name for name in seen.mirror.behind if name not in unproved)
    if not behind:
        return _check("mirror_lag", True, f"{target} holds everything")
    detail = (
        f"{target} is behind by about {seen.lag_records} records and {seen.lag_s:.1f} s in"
        f" {', '.join(behind[:_NAMED])}{_and_more(len(behind) - _NAMED)}"
    )
    far = set(seen.mirror.far_behind) - unproved
    if not far:
        return _check("mirror_lag", True, detail)
    # One of many may be what stops the mirror for all: which, their names do not tell.
    which = f"--waive {min(far)}" if len(far) == 1 else "--waive, by their names"
    return _check(
        "mirror_lag",
        False,
        f"{detail}: too far to wait for it behind a fence; see to the mirror, or leave behind what"
        f" is missing ({which})",
    )


def gone_checks(seen: Seen) -> Iterator[Check]:
    """What the log knows, and the cluster that serves does not tell of."""
    gone = seen.mirror.gone
    if gone:
        yield _check(
            "topics_gone",
            False,
            f"{seen.direction.source} does not tell of {', '.join(gone[:_NAMED])}"
            f"{_and_more(len(gone) - _NAMED)}, which the log knows: if that was deleted there, it"
            " is noted within some seconds, so try again",
        )


def nobodys_checks(seen: Seen) -> Iterator[Check]:
    """Topics that no client of the gateway sees. Not a hindrance: whoever uses them has to know."""
    names = seen.nobodys
    if names:
        yield _check(
            "topics_of_nobody",
            True,
            f"{len(names)} topics of {seen.direction.source} are under no virtual cluster's name,"
            f" so that no switch looks at them: {', '.join(names[:_NAMED])}"
            f"{_and_more(len(names) - _NAMED)}; `interlock vcluster adopt NAME` shows what a"
            " virtual cluster of that name would have",
        )


def reserved_checks(facts: Facts, scope: str) -> Iterator[Check]:
    """Tenants of a scope that were given such a name once. Not a hindrance, but to be known."""
    for vcluster in sorted(facts.tenants_of(scope)):
        if (system_s := reserved_by(facts, vcluster)) is not None:
            yield _check(
                "reserved_name",
                True,
                f"virtual cluster {vcluster} has a name that is reserved now: its clients see and"
                f" may write {system_s}, which is not theirs; move them to one of another name",
            )


def completeness_check(
    direction: Direction,
    watched: Watched | None,
    topics: Container[str],
    *,
    accepted: bool,
    waived: Collection[str] = (),
) -> Check:
    """Whether the mirror was seen to leave records out.

    Args:
        direction: which way it copies.
        watched: what was seen of the target so far.
        topics: those that the switch is about.
        accepted: whether what is missing may be lost.
        waived: partitions of which it may be.
    """
    marks = watched.marks if watched is not None else ()
    ours = [
        mark
        for mark in marks
        if split(mark.partition)[0] in topics and mark.partition not in waived
    ]
    holes = tuple(mark.hole for mark in ours if mark.hole is not None)
    if holes:
        detail = left_out(direction.target, direction.source, holes)
        return _check("mirror_complete", accepted, detail)
    postponed = sum(mark.postponed for mark in ours)
    if postponed > _MOST_POSTPONED:
        detail = (
            f"{postponed} of {len(ours)} partitions were not looked at yet, and reading them behind"
            " the fence would take too long: try again in some seconds"
        )
        return _check("mirror_complete", accepted, detail)
    detail = f"of {len(ours)} partitions, nothing was seen to be left out"
    return _check("mirror_complete", True, detail)


def transactions_check(
    source: str, transactions: Collection[OpenTransaction], quiesce_s: float, budget_s: float
) -> Check:
    """Whether transactions are open that would have to be aborted.

    Args:
        source: the cluster on which they are.
        transactions: those that are open.
        quiesce_s: for how long a switch lets them go on.
        budget_s: for how long it waits for them before that, if it is told to.
    """
    lasting = outlasting(transactions, quiesce_s)
    beyond = outlasting(lasting, quiesce_s + budget_s) if budget_s else lasting
    if not lasting:
        return _check("transactions", True, f"no transaction on {source} is open for long")
    told = ", ".join(str(one) for one in lasting[:_NAMED]) + _and_more(len(lasting) - _NAMED)
    named = f"open on {source}: {told}"
    if not beyond and budget_s:
        return _check("transactions", True, f"{named}; they are waited for, {budget_s:g} s at most")
    needed = math.ceil(max(one.left_s for one in beyond))
    return _check(
        "transactions",
        False,
        f"{named}; a switch aborts them after {quiesce_s + budget_s:g} s, and what they wrote is"
        " gone: have their producers end them, or give them time"
        f" (--transactions-budget-s {needed})",
    )


def unreadable_checks(unreadable: Collection[Unreadable]) -> Iterator[Check]:
    """What cannot be read cannot be proved: no switch waits for that behind a fence."""
    for one in unreadable:
        if one.partition in not_proved(unreadable):
            detail = (
                f"cannot be read, so that nothing of it can be proved: {one}; or leave behind what"
                f" is not there (--waive {one.partition})"
            )
            yield _check("unreadable", False, detail)


def watch_check(target: str, standing_s: float | None, why: str | None) -> Check:
    """Whether somebody looks at the replica, for the day on which its original does not answer.

    Args:
        target: the replica.
        standing_s: for how long nobody has; None if nobody ever has.
        why: as far as the control plane that is asked knows.
    """
    if standing_s is None:
        return _check("watch", True, f"nobody has looked at {target} yet")
    if standing_s <= WATCH_LIMIT_S:
        return _check("watch", True, f"{target} was looked at {standing_s:.0f} s ago")
    because = why or "see replica.not_watched in the log of the control plane that leads"
    return _check(
        "watch",
        False,
        f"for {standing_s:.0f} s nobody could look at what {target} holds, so that a forced switch"
        f" would tell old losses, and this one does not know what was left out: {because}",
    )


def flow_checks(
    flowing: Flowing, seen: Seen, turning: str | None, *, managed: bool
) -> Iterator[Check]:
    """Whether a mirror runs in the needed direction, and in no other.

    Args:
        flowing: what was seen of probe records.
        seen: both clusters.
        turning: why the mirror that we manage does not run in that direction, or what of it has
            failed; None if nothing is known to be wrong.
        managed: whether the mirror is ours; of another one we cannot know that it copies our topic.
    """
    source, target = seen.direction.source, seen.direction.target
    if flowing.came_back:
        yield circle_check(seen.direction)
    if turning is not None:
        yield _check("mirror_direction", False, turning)
    elif flowing.delay_s is not None:
        detail = f"a record took {flowing.delay_s * 1000:.0f} ms from {source} to {target}"
        yield _check("mirror_direction", True, detail)
    else:
        detail = (
            f"no mirror is seen to run from {source} to {target}: a record written to {PROBE_TOPIC}"
            f" did not arrive within {flowing.looked_for_s:.0f} s"
        )
        # With nothing behind, a mirror that does not copy that topic may still be a good one.
        passed = not managed and not seen.mirror.behind
        yield _check("mirror_direction", passed, detail)


def circle_check(direction: Direction) -> Check:
    """Both directions run."""
    return _check(
        "mirror_circle",
        False,
        f"records run in a circle between {direction.source} and {direction.target}: MirrorMaker 2"
        f" runs in both directions; stop {direction.back}, its heartbeats"
        f" ({direction.back}.emit.heartbeats.enabled=false) included",
    )


def expected_stall_ms(facts: Facts, timing: Timing, delay_s: float | None, *, silent: bool) -> int:
    """For how long requests are held, about: as in switches before, or what the steps need.

    Args:
        facts: hold earlier switches.
        timing: of the present configuration.
        delay_s: seconds that a record takes through the mirror; None if that was not seen.
        silent: whether a node has no lease, so that the fence waits until it surely has none.
    """
    fenced = [
        (switch.committed_at - switch.fenced_at).total_seconds()
        for switch in facts.switches.values()
        if switch.committed_at is not None and switch.fenced_at is not None
    ][-_REMEMBERED:]
    worked_s = median(fenced) if fenced else timing.still_s + _OWN_WORK_S
    waited_s = timing.expiry_s + timing.still_after_expiry_s if silent else 0.0
    return round(1000 * (max(worked_s, delay_s or 0.0) + waited_s))


def _check(name: str, passed: bool, detail: str) -> Check:  # noqa: FBT001 - as the struct has it
    return Check(name=name, passed=passed, detail=detail)


def _and_more(rest: int) -> str:
    return f" and {rest} more" if rest > 0 else ""
