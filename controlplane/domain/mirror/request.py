"""Asking for a reversal, and saying that its steps were taken by hand."""

from typing import Literal

import msgspec

from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.mirror import events
from controlplane.domain.mirror.state import Reversal
from controlplane.domain.mirror.together import staying, switches_behind
from controlplane.domain.mirror.transitions import ReversalPhase
from controlplane.domain.refusal import Conflict, Missing
from controlplane.domain.switch.events import Ends
from controlplane.domain.switch.state import Switch


class RequestReversal(msgspec.Struct, frozen=True, kw_only=True):
    """Have the mirror copy from the cluster that serves a scope."""

    reversal_id: str
    scope: str
    runner: Literal["process", "connect", "manual"]
    find_cut: bool = False
    """Compare both clusters, if the switch committed without looking at the mirror."""
    accepts_gaps: bool = False
    tail: events.Tail = "leave"


class AlreadyReversedError(Conflict):
    """The mirror runs, or is being turned, in that direction."""

    def __init__(self, reversal: Reversal) -> None:
        state = "is being turned" if reversal.open else "was turned"
        super().__init__(
            f"the mirror {state} to {reversal.direction} already (reversal {reversal.reversal_id})"
        )
        self.reversal = reversal


def request_reversal(facts: Facts, command: RequestReversal) -> list[Event]:
    """A reversal is requested.

    Raises:
        Missing: the scope was never switched.
        AlreadyReversedError: it is done, or under way.
        Conflict: a switch is under way, or committed without looking and no cut is given, or is
            lost; or another scope is not served where this one is.
    """
    if (running := next(facts.open_switches(), None)) is not None:
        raise Conflict(
            f"switch {running.switch_id} is under way: turn the mirror round after its end"
        )
    if is_switch_lost(facts, command.scope):
        raise Conflict(
            f"the switch that moved scope {command.scope} was lost with the tail of the log, and"
            " with it where the mirror has to begin: turn the mirror round by hand"
            " (docs/operations.md, Postgres was restored from a backup)"
        )
    switch = last_committed(facts, command.scope)
    if switch is None:
        raise Missing(f"scope {command.scope} was never switched: the mirror need not turn round")
    earlier = [r for r in facts.reversals.values() if r.switch_id == switch.switch_id]
    if earlier and earlier[-1].phase is not ReversalPhase.FAILED:
        raise AlreadyReversedError(earlier[-1])
    if staying_behind := staying(facts, switch):
        raise Conflict(
            f"the mirror copies to {switch.to_cluster} for scope {', '.join(staying_behind)}, which"
            f" another cluster serves: it turns round once {switch.to_cluster} serves all"
        )
    cut = _cut(facts, switch)
    if cut is None and not command.find_cut:
        raise Conflict(
            f"switch {switch.switch_id} committed without looking at the mirror, so nobody knows"
            f" where {switch.to_cluster} begins to hold what {switch.from_cluster} does not:"
            " look at `interlock mirror divergence`, then use --find-cut"
        )
    resumes = any(r.seeded for r in earlier)
    if command.tail != "leave":
        _must_be_apart(switch, command, resumes=resumes)
    return [
        events.ReversalRequested(
            reversal_id=command.reversal_id,
            scope=command.scope,
            source=switch.to_cluster,
            target=switch.from_cluster,
            switch_id=switch.switch_id,
            runner=command.runner,
            cut=cut,
            accepts_gaps=command.accepts_gaps,
            tail=command.tail,
            resumes=resumes,
        )
    ]


def _cut(facts: Facts, switch: Switch) -> Ends | None:
    """Where the topics of each scope begin to differ; None if a switch did not look.

    A scope that was never switched has nothing there that is older than the reversal.
    """
    behind = list(switches_behind(facts, switch.scope))
    if any(is_switch_lost(facts, one.scope) or one.cut is None for one in behind):
        return None
    return tuple(end for one in behind if one.cut is not None for end in one.cut.target)


def _must_be_apart(switch: Switch, command: RequestReversal, *, resumes: bool) -> None:
    """Topics are emptied only while nothing of the new direction was copied into them."""
    if switch.cut is not None:
        raise Conflict(
            f"switch {switch.switch_id} proved that {switch.to_cluster} held everything that"
            f" {switch.from_cluster} did: there is no tail to settle"
        )
    if resumes:
        raise Conflict(
            "an earlier reversal has set the mirror's positions already, and records may have been"
            " copied since: the tails can only be left where they are"
        )
    if command.runner == "manual":
        raise Conflict(
            "the mirror is run by hand: empty the topics by hand, after `interlock mirror"
            " divergence`, or have Interlock run the mirror (INTERLOCK_MIRROR)"
        )


def due_reversal(facts: Facts, scope: str) -> bool:
    """Whether the newest switch of a scope asks for a reversal that nobody has asked for yet.

    Before the log was reconciled somebody may have asked, and the log does not know it any more.
    """
    switch = last_committed(facts, scope)
    return (
        switch is not None
        and not switch.open
        and (switch.commit_seq or 0) > facts.reconciled_seq
        and next(facts.open_switches(), None) is None
        and facts.reversal_after(switch.switch_id) is None
        and facts.open_reversal(scope) is None
        and not staying(facts, switch)
        and _cut(facts, switch) is not None
    )


def last_committed(facts: Facts, scope: str) -> Switch | None:
    """The newest switch of a scope that was committed; None if the log has lost it, too."""
    newest = facts.newest_committed(scope)
    return None if newest is None or is_switch_lost(facts, scope) else newest


def is_switch_lost(facts: Facts, scope: str) -> bool:
    """Whether the switch that made a scope's present epoch is not in the log any more."""
    routing = facts.routing(scope)
    if not facts.reconciled_seq or routing is None or routing.epoch == 0:
        return False
    return all(
        s.scope != scope or s.commit_seq is None or s.expected_epoch + 1 != routing.epoch
        for s in facts.switches.values()
    )


def confirm_reversal(facts: Facts, scope: str) -> list[Event]:
    """The operator took the steps of a reversal by hand: it remains to look.

    Raises:
        Missing: the mirror is not being turned round.
        Conflict: that is not done by hand, or is beyond that.
    """
    reversal = facts.open_reversal(scope)
    if reversal is None:
        raise Missing("the mirror is not being turned round: ask for it first")
    if reversal.runner != "manual" or reversal.phase is not ReversalPhase.SEEDED:
        raise Conflict(
            f"the turn to {reversal.direction} ({reversal.runner}, {reversal.phase.value})"
            " waits for nobody"
        )
    return [events.MirrorStarted(reversal_id=reversal.reversal_id)]
