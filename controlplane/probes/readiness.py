"""Looks at topics and mirror before a switch, and beforehand for whoever plans one."""

import asyncio
from collections.abc import Collection
from typing import Final, NamedTuple

from msgspec.structs import replace

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from controlplane.domain.adoption import owned_by_nobody
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.common_ground import equal_ends, held_the_same
from controlplane.domain.mirror.state import direction_after, initial_direction
from controlplane.domain.replica import Watched
from controlplane.domain.reserved import MAPPINGS_TOPIC
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.readiness import (
    Flowing,
    Seen,
    but_for_young,
    circle_check,
    flow_checks,
    gone_checks,
    lag_check,
    mapping_check,
    nobodys_checks,
    reserved_checks,
    topic_checks,
    unreadable_checks,
)
from controlplane.domain.switch.rights import rights_checks
from controlplane.mirrors.flow import open_flow
from controlplane.mirrors.opening import open_runner
from controlplane.mirrors.runner import MirrorUnavailableError
from controlplane.probes.asking import asking
from controlplane.probes.describe import UnreachableError
from controlplane.probes.following import Following
from controlplane.probes.layout import layout_of
from controlplane.probes.mirror import compare, lag
from controlplane.probes.numbers import name
from controlplane.probes.reader import end_reader
from controlplane.probes.rights import rights_on
from controlplane.probes.together import together
from controlplane.publisher.producer import KAFKA_FAILURES
from controlplane.settings import Settings

_FLOW_BUDGET_S = 5.0
MOMENT_S: Final = 2.0
"""Seconds within which a mirror begins with a new topic, and a node tells of a deleted one."""


class PlannedSwitch(NamedTuple):
    """Which switch is asked about."""

    facts: Facts
    scope: str
    direction: Direction
    """The way that records have to be copied for it."""
    seen: Watched | None
    """What the watch saw last."""
    waived: Collection[str] = ()
    """Partitions (`topic-n`) of which nothing has to be proved."""


async def topics_ready(settings: Settings, planned: PlannedSwitch) -> list[Check]:
    """What keeps a switch from being tried. What only takes time is left to the switch.

    Raises:
        UnreachableError: a cluster does not answer.
    """
    found = await _look_once(settings, planned)
    if not all(check.passed for check in topic_checks(found, patient=True)):
        found = await _look_again(settings, planned, found)
    checks = [
        *topic_checks(found, patient=True),
        *await _rights(settings, planned, found),
        *unreadable_checks(found.mirror.unreadable),
    ]
    if planned.scope in planned.facts.circles:
        checks.append(circle_check(planned.direction))
    return checks


async def all_ready(settings: Settings, planned: PlannedSwitch) -> tuple[list[Check], float | None]:
    """Everything that can be known beforehand, and how many seconds records take.

    Raises:
        UnreachableError: a cluster does not answer.
    """
    found, flowing, trouble = await asyncio.gather(
        _look(settings, planned),
        _watch_flow(settings, planned.direction),
        mirror_trouble(settings, planned.direction),
    )
    if planned.scope in planned.facts.circles:
        flowing = replace(flowing, came_back=True)
    managed = settings.interlock_mirror != "manual"
    turning = _turning(settings, planned) if managed else None
    return [
        *topic_checks(found, patient=False),
        *gone_checks(found),
        *nobodys_checks(found),
        *reserved_checks(planned.facts, planned.scope),
        *await _rights(settings, planned, found),
        mapping_check(found),
        *flow_checks(flowing, found, turning or trouble, managed=managed),
        *unreadable_checks(found.mirror.unreadable),
        lag_check(found),
    ], flowing.delay_s


async def _rights(settings: Settings, planned: PlannedSwitch, found: Seen) -> list[Check]:
    facts, scope, direction, *_ = planned
    source, target = _pair(settings, direction)
    # A cluster does not tell of a topic that we may not see: the log may know of it.
    known = (topic.physical for topic in facts.known_topics_in(scope))
    topics = frozenset((*found.source, *known))
    ours, theirs = await together(rights_on(source, topics), rights_on(target, topics))
    return list(rights_checks(direction, ours, theirs))


def _turning(settings: Settings, planned: PlannedSwitch) -> str | None:
    """Why the mirror that we manage does not run in the direction that is needed."""
    facts, _, direction, *_ = planned
    scope = settings.scope  # all share the mirror that is turned for the first one
    newest = facts.newest_reversal(scope)
    if newest is not None and newest.open:
        return (
            f"the mirror is being turned round to {newest.direction} ({newest.phase.value}):"
            " wait for that, `interlock mirror status` shows it"
        )
    initial = initial_direction(facts.first_cluster.get(scope), settings.clusters_by_role)
    runs = direction_after(initial, newest)
    if runs == direction:
        return None
    return f"the mirror copies {runs or 'nothing'}, not {direction}: `interlock mirror reverse`"


async def _look(settings: Settings, planned: PlannedSwitch) -> Seen:
    """Once, or twice if something is wrong that may be over in a moment."""
    found = await _look_once(settings, planned)
    return await _look_again(settings, planned, found) if found.mirror.far_behind else found


async def _look_again(settings: Settings, planned: PlannedSwitch, before: Seen) -> Seen:
    """What is still wrong, a moment later."""
    await asyncio.sleep(MOMENT_S)
    return but_for_young(await _look_once(settings, planned), before)


async def _look_once(settings: Settings, planned: PlannedSwitch) -> Seen:
    facts, scope, direction, seen, waived = planned
    source, target = _pair(settings, direction)
    names, known = facts.topics_in(scope), facts.known_partitions_in(scope)
    on_source, on_target = await together(_topics_on(source), _topics_on(target))
    ours = tuple(sorted(name for name in on_source if name in names))
    async with end_reader(source) as reader, end_reader(target) as other:
        equal_at = equal_ends(facts, scope, direction, seen)
        state = await compare(
            reader,
            other,
            names,
            equal_at,
            known=known,
            waived=waived,
            following=Following(seen),
        )
        lacking = frozenset(state.behind)
        behind = [p for p in await reader.partitions(names) if name(p) in lacking]
        records, seconds = await lag(reader, other, behind, held_the_same(facts, scope, direction))
    return Seen(
        direction=direction,
        source=ours,
        target=frozenset(name for name in on_target if name in names),
        nobodys=tuple(owned_by_nobody(facts, on_source - {MAPPINGS_TOPIC})),
        has_mappings=MAPPINGS_TOPIC in on_target,
        prefixed=frozenset(n for n in ours if f"{direction.source}.{n}" in on_target),
        mirror=state,
        lag_records=records,
        lag_s=seconds,
    )


async def _topics_on(cluster: ClusterProperties) -> frozenset[str]:
    async with asking(cluster, "did not tell its topics") as asked:
        return frozenset((await layout_of(asked, None)).topics)


async def _watch_flow(settings: Settings, direction: Direction) -> Flowing:
    source, target = _pair(settings, direction)
    nothing = Flowing(looked_for_s=_FLOW_BUDGET_S, delay_s=None, came_back=False)
    try:
        async with open_flow(source, target) as flow, asyncio.timeout(_FLOW_BUDGET_S):
            await flow.write()
            seen = await flow.look()
            while seen.delay_s is None:
                seen = await flow.look()
            # One more look: a record that comes back needs the way twice.
            seen = await flow.look(wait_s=min(2 * (seen.delay_s or 0), _FLOW_BUDGET_S / 2))
    except TimeoutError:
        return nothing
    except KAFKA_FAILURES as error:
        raise UnreachableError(f"cluster {source.name} does not take records: {error}") from error
    return Flowing(looked_for_s=_FLOW_BUDGET_S, delay_s=seen.delay_s, came_back=flow.came_back)


async def mirror_trouble(settings: Settings, direction: Direction) -> str | None:
    """Why the mirror that we manage does not copy in a direction; None if nothing is known."""
    runner = open_runner(settings)
    if runner is None:
        return None
    try:
        async with asyncio.timeout(_FLOW_BUDGET_S):
            return await runner.trouble(direction)
    except MirrorUnavailableError as error:
        return str(error)
    except TimeoutError:
        return f"whoever runs the mirror did not tell within {_FLOW_BUDGET_S:g} s how it is"


def _pair(settings: Settings, direction: Direction) -> tuple[ClusterProperties, ClusterProperties]:
    clusters = {cluster.name: cluster for cluster in settings.clusters}
    return clusters[direction.source], clusters[direction.target]
