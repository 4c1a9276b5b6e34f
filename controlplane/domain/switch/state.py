"""A switch as its events add up; which of them may follow which is in `transitions`."""

from datetime import datetime

import msgspec

from controlplane.domain.event import Recorded
from controlplane.domain.switch import events
from controlplane.domain.switch.transitions import ENDED, TRANSITIONS, Phase
from controlplane.domain.transitions import following

Member = tuple[str, str]
"""Node id and incarnation."""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """End offsets of both clusters at the commit, while nothing moved."""

    source: events.Ends
    target: events.Ends


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One switch. A value: equal histories give equal, hashable switches."""

    switch_id: str
    scope: str
    from_cluster: str
    to_cluster: str
    mode: events.Mode
    expected_epoch: int
    budget_s: float
    mirror_budget_s: float
    accepts_loss: bool = False
    waived: tuple[str, ...] = ()
    quiesce_budget_s: float = 0.0
    transactions_budget_s: float = 0.0
    actor: str
    reason: str | None
    term: int
    requested_at: datetime
    version: int
    """How many events it has: what the next append is optimistic on."""
    phase: Phase = Phase.REQUESTED
    mirror_awaited: int = 0
    """How often it was told that the mirror is waited for."""
    quiesce_seq: int | None = None
    hold_seq: int | None = None
    """From where on no transaction begins any more."""
    participants: tuple[Member, ...] = ()
    awaits_members: bool = False
    """Whether consumers get no records on the target before members have come back."""
    fence_seq: int | None = None
    fenced_at: datetime | None = None
    drained: tuple[Member, ...] = ()
    lease_expired: tuple[Member, ...] = ()
    cut_off: bool = False
    """A node cut requests off, or dropped them: their bytes may still be appended."""
    aborted_transactions: tuple[str, ...] = ()
    """Physical transactional ids."""
    source_frozen: bool = False
    caught_up: bool = False
    cut: Cut | None = None
    """None: the switch committed without looking, or has not committed."""
    positions_digest: str | None = None
    """Of the groups' positions on the target, as they were recorded last."""
    numbering_digest: str | None = None
    """Of what was decided about numbers, as it was recorded last."""
    commit_seq: int | None = None
    committed_at: datetime | None = None
    resumed: tuple[str, ...] = ()
    cause: str | None = None
    """Why it was rejected or aborted."""
    rejected: bool = False
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether anything is still to happen."""
        return self.phase not in ENDED

    @property
    def accounted(self) -> frozenset[Member]:
        """Members with evidence that they do not serve the old epoch."""
        return frozenset(self.drained) | frozenset(self.lease_expired)


def after(switch: Switch | None, recorded: Recorded) -> Switch:
    """The switch after one more of its events.

    Raises:
        IllegalTransitionError: it cannot happen to the switch as it stands.
    """
    event = recorded.event
    if switch is None:
        return _requested(recorded)
    if not isinstance(event, events.SwitchEvent):
        raise TypeError(f"event {recorded.seq}, {event.kind}, is not of a switch")
    phase = following(TRANSITIONS, switch.phase, event, recorded.seq)
    return _with(_noted(switch, recorded), version=recorded.version, phase=phase)


def _noted(switch: Switch, recorded: Recorded) -> Switch:  # noqa: C901, PLR0911, PLR0912 - one line for each event
    """What an event says besides where the switch stands."""
    match recorded.event:
        case events.SwitchRejected(cause=cause):
            return _with(switch, cause=cause, rejected=True, ended_at=recorded.recorded_at)
        case events.MirrorAwaited():
            return _with(switch, mirror_awaited=switch.mirror_awaited + 1)
        case events.QuiesceOrdered():
            return _with(switch, quiesce_seq=recorded.seq)
        case events.TransactionsHeld():
            return _with(switch, hold_seq=recorded.seq)
        case events.FenceOrdered(participants=participants, cooperative=cooperative):
            return _with(
                switch,
                participants=participants,
                awaits_members=cooperative > 0,
                fence_seq=recorded.seq,
                fenced_at=recorded.recorded_at,
            )
        case events.NodeDrained(node_id=node, incarnation=incarnation, cut=cut):
            return _with(
                switch,
                drained=(*switch.drained, (node, incarnation)),
                cut_off=switch.cut_off or cut > 0,
            )
        case events.NodeFenced(node_id=node, incarnation=incarnation):
            return _with(switch, lease_expired=(*switch.lease_expired, (node, incarnation)))
        case events.TransactionsAborted(transactional_ids=ids):
            return _with(switch, aborted_transactions=(*switch.aborted_transactions, *ids))
        case events.SourceFrozen():
            return _with(switch, source_frozen=True)
        case events.CaughtUp() | events.LagWaived():
            return _with(switch, caught_up=True)
        case events.CutRecorded(source_ends=source, target_ends=target):
            return _with(switch, cut=Cut(source=source, target=target))
        case events.PositionsTranslated(digest=digest):
            return _with(switch, positions_digest=digest)
        case events.NumberingDecided(digest=digest):
            return _with(switch, numbering_digest=digest)
        case events.SwitchCommitted():
            return _with(switch, commit_seq=recorded.seq, committed_at=recorded.recorded_at)
        case events.NodeResumed(node_id=node):
            return _with(switch, resumed=(*switch.resumed, node))
        case events.MembersReturned():
            return _with(switch, awaits_members=False)
        case events.AbortRequested(cause=cause):
            return _with(switch, cause=cause)
        case events.SwitchCompleted() | events.SwitchAborted():
            return _with(switch, ended_at=recorded.recorded_at)
        case _:
            return switch


def cut_short(switch: Switch, recorded: Recorded, epoch: int) -> Switch:
    """The log was reconciled while the switch was under way, with a scope in this epoch.

    What became of it shows in the epoch alone: nobody carries it on.
    """
    cause = f"how it went on is not known: the log was reconciled by event {recorded.seq}"
    happened = switch.commit_seq is not None or epoch > switch.expected_epoch
    phase = Phase.COMPLETED if happened else Phase.ABORTED
    return _with(switch, phase=phase, cause=cause, ended_at=recorded.recorded_at)


def _requested(recorded: Recorded) -> Switch:
    event = recorded.event
    if not isinstance(event, events.SwitchRequested):
        raise TypeError(f"event {recorded.seq}: a switch cannot begin with {event.kind}")
    return Switch(
        switch_id=event.switch_id,
        scope=event.scope,
        from_cluster=event.from_cluster,
        to_cluster=event.to_cluster,
        mode=event.mode,
        expected_epoch=event.expected_epoch,
        budget_s=event.budget_s,
        mirror_budget_s=event.mirror_budget_s,
        accepts_loss=event.accepts_loss,
        waived=event.waived,
        quiesce_budget_s=event.quiesce_budget_s,
        transactions_budget_s=event.transactions_budget_s,
        actor=recorded.actor,
        reason=recorded.reason,
        term=recorded.seq,
        requested_at=recorded.recorded_at,
        version=recorded.version,
    )


def _with(switch: Switch, **changes: object) -> Switch:
    return msgspec.structs.replace(switch, **changes)
