"""A switch told afterwards: worked out from its events alone, by whoever has the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from controlplane.domain.completeness import Hole
from controlplane.domain.event import Event, Recorded
from controlplane.domain.mirror import state as mirror
from controlplane.domain.mirror import transitions as mirror_transitions
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch import events
from controlplane.domain.switch.proved import Proved
from controlplane.domain.switch.state import Switch, after
from controlplane.domain.switch.transitions import Phase

_E = TypeVar("_E", bound=Event)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A phase that the switch went through."""

    phase: Phase
    began_at: datetime
    took_ms: float | None
    """None for the last one."""


class NodeStory(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway node did."""

    node_id: str
    evidence: Literal["report", "lease_expired", "none"]
    """How it is known that it had stopped; `none` if it never was."""
    stopped_after_ms: float | None
    """From the fence to that evidence."""
    held: int | None
    """Requests that waited on it when it had stopped; None if it did not say."""
    cut: int | None
    """Writes whose outcome its clients could not learn; None if it did not say."""
    resumed_after_ms: float | None
    """From the commit until it served the target; None if it did not come back in time."""
    first_ack_ms: float | None
    """From then to the first write that the target acknowledged."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """That the target held everything when it was committed."""

    stood_still_ms: float
    """How long the old cluster was seen not to move."""
    partitions: int
    offsets_digest: str
    """SHA-256 of the old cluster's partitions and end offsets, as JSON."""
    ends: tuple[tuple[str, int, int], ...]
    """Partition, and where it ended on the old cluster and on the target."""
    compared: dict[str, int] = {}
    """How many of a partition's last records were found on the target one by one; none of those
    that had not moved since both were looked at before, and of many only some."""
    by_means: Proved | None = None
    """How many partitions were proved by which means; None of an older release."""
    holes: tuple[Hole, ...] = ()
    """What the target lacked all the same, and whoever asked for the switch accepted."""
    waived: tuple[str, ...] = ()
    """Partitions of which nothing was proved, and whoever asked for the switch named them."""


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the consumer groups."""

    ghosts_removed: int
    """Members that they still had on the target, from before."""
    restless: tuple[events.Restless, ...]
    """What the fence interrupted."""
    positions: events.PositionsTranslated | None
    """None: nothing was brought to the target."""


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to have the target be like the old cluster."""

    done: Parity
    """To the target's topics and groups."""
    tombstones: dict[str, int]
    """Partitions, and how many keys were deleted once more on the old cluster, for the mirror."""
    waived: tuple[str, ...]
    """Differences that whoever asked for the switch let be."""


class NumbersStory(msgspec.Struct, frozen=True, kw_only=True):
    """Under which offsets clients know records since."""

    partitions: int
    """How many were looked at."""
    renumbered: tuple[Renumbered, ...]
    """Those of which both logs differ in their offsets: clients see higher ones from here on."""


class MirrorStory(msgspec.Struct, frozen=True, kw_only=True):
    """How the mirror was turned round afterwards."""

    direction: str
    runner: Literal["process", "connect", "manual"]
    phase: mirror_transitions.ReversalPhase
    began_at: datetime
    took_ms: float | None
    """None: it has not ended."""
    cause: str | None
    """Why it failed."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole story."""

    switch_id: str
    scope: str
    mode: events.Mode
    from_cluster: str
    to_cluster: str
    outcome: Phase
    cause: str | None
    """Why it was rejected or undone."""
    requested_by: str
    reason: str | None
    requested_at: datetime
    ended_at: datetime | None
    fenced_ms: float | None
    """From the fence until clients were served again: by the target, or by the old cluster."""
    mirror_ms: float | None
    """Of it, from when the old cluster was known to stand still until the mirror had copied the
    rest, less what comparing records took; None if that was not waited for."""
    stages: tuple[Stage, ...]
    checks: tuple[events.Check, ...]
    nodes: tuple[NodeStory, ...]
    proof: Proof | None
    parity: Alike | None
    """None if the target was not looked at, or by an older release."""
    loss: events.LossRecorded | None
    groups: Groups | None
    """None if no fence was ordered."""
    producers: int | None
    """Idempotent producers whose last writes the gateways know by; None if nobody looked."""
    transactions_aborted: tuple[str, ...]
    """Physical transactional ids of those that were still open when their time was up."""
    numbers: NumbersStory | None
    """None if nothing was decided."""
    mirror: MirrorStory | None
    """None if nobody was asked to turn it round."""


def report_of(history: Sequence[Recorded], reversal: mirror.Reversal | None = None) -> Report:
    """The story of a switch.

    Args:
        history: all its events so far, in order; at least the first.
        reversal: how the mirror was turned round after it, if it was.
    """
    switch, stages = _stages(history)
    happened = [recorded.event for recorded in history]
    return Report(
        switch_id=switch.switch_id,
        scope=switch.scope,
        mode=switch.mode,
        from_cluster=switch.from_cluster,
        to_cluster=switch.to_cluster,
        outcome=switch.phase,
        cause=switch.cause,
        requested_by=switch.actor,
        reason=switch.reason,
        requested_at=switch.requested_at,
        ended_at=switch.ended_at,
        fenced_ms=_ms(switch.fenced_at, switch.committed_at or switch.ended_at),
        mirror_ms=_mirror_ms(history),
        stages=stages,
        checks=next((e.checks for e in happened if isinstance(e, _Checked)), ()),
        nodes=tuple(_story(switch, history, node_id) for node_id, _ in switch.participants),
        proof=_proof(happened, switch),
        parity=_parity(happened, switch),
        loss=_last(happened, events.LossRecorded),
        groups=_groups(happened),
        producers=_producers(happened),
        transactions_aborted=_aborted(happened, switch),
        numbers=_numbers(happened),
        mirror=_mirror(reversal) if reversal is not None else None,
    )


def _aborted(happened: Sequence[Event], switch: Switch) -> tuple[str, ...]:
    """By name, with producer and duration where they were recorded."""
    told = {
        one.transactional_id: str(one)
        for event in happened
        if isinstance(event, events.TransactionsAborted)
        for one in event.transactions
    }
    return tuple(told.get(id_, id_) for id_ in switch.aborted_transactions)


def _mirror_ms(history: Sequence[Recorded]) -> float | None:
    """Of the last proof: a coordinator that takes over proves again."""
    frozen = [r.recorded_at for r in history if isinstance(r.event, events.SourceFrozen)]
    caught_up = [
        (r.recorded_at, r.event.comparing_ms)
        for r in history
        if isinstance(r.event, events.CaughtUp)
    ]
    if not (frozen and caught_up):
        return None
    at, comparing_ms = caught_up[-1]
    return round(max(0.0, (_ms(frozen[-1], at) or 0.0) - comparing_ms), 1)


def _groups(happened: Sequence[Event]) -> Groups | None:
    fence, quiesced = _last(happened, events.FenceOrdered), _last(happened, events.QuiesceOrdered)
    if fence is None:
        return None
    return Groups(
        ghosts_removed=quiesced.ghosts_removed if quiesced else 0,
        restless=fence.restless,
        positions=_last(happened, events.PositionsTranslated),
    )


def _parity(happened: Sequence[Event], switch: Switch) -> Alike | None:
    moved, frozen = (
        _last(happened, events.PositionsTranslated),
        _last(happened, events.SourceFrozen),
    )
    if moved is None or moved.parity is None:
        return None
    tombstones = dict(frozen.tombstones) if frozen is not None else {}
    return Alike(done=moved.parity, tombstones=tombstones, waived=switch.waived)


def _producers(happened: Sequence[Event]) -> int | None:
    """Of the newest record of each topic: a coordinator that takes over records them again."""
    if _last(happened, events.PositionsTranslated) is None:
        return None
    recorded = [event for event in happened if isinstance(event, events.ProducersRecorded)]
    newest = {event.physical: event.writers for event in recorded}
    return len({writer.producer for writers in newest.values() for writer in writers})


def _numbers(happened: Sequence[Event]) -> NumbersStory | None:
    decided = _last(happened, events.NumberingDecided)
    if decided is None:
        return None
    recorded = [event for event in happened if isinstance(event, events.OffsetsNumbered)]
    newest = {event.physical: event.renumbered for event in recorded}
    renumbered = tuple(partition for topic in newest.values() for partition in topic)
    return NumbersStory(partitions=decided.partitions, renumbered=renumbered)


def _mirror(reversal: mirror.Reversal) -> MirrorStory:
    return MirrorStory(
        direction=str(reversal.direction),
        runner=reversal.runner,
        phase=reversal.phase,
        began_at=reversal.requested_at,
        took_ms=_ms(reversal.requested_at, reversal.ended_at),
        cause=reversal.cause,
    )


def _last(happened: Sequence[Event], kind: type[_E]) -> _E | None:
    return next((event for event in reversed(happened) if isinstance(event, kind)), None)


_Checked = events.PreflightPassed | events.SwitchRejected


def _stages(history: Sequence[Recorded]) -> tuple[Switch, tuple[Stage, ...]]:
    """The switch as it stands, and its phases with their beginnings."""
    began: list[tuple[Phase, datetime]] = []
    switch = after(None, history[0])
    for recorded in history:
        switch = after(switch, recorded) if recorded is not history[0] else switch
        if not began or began[-1][0] is not switch.phase:
            began.append((switch.phase, recorded.recorded_at))
    ends = [at for _, at in began[1:]] + [None]
    stages = tuple(
        Stage(phase=phase, began_at=at, took_ms=_ms(at, end))
        for (phase, at), end in zip(began, ends, strict=True)
    )
    return switch, stages


def _story(switch: Switch, history: Sequence[Recorded], node_id: str) -> NodeStory:
    evidence: Literal["report", "lease_expired", "none"] = "none"
    stopped_at = resumed_at = None
    held = cut = first_ack_ms = None
    for recorded in history:
        match recorded.event:
            case events.NodeDrained() as event if event.node_id == node_id:
                evidence, stopped_at = "report", recorded.recorded_at
                held, cut = event.held, event.cut
            case events.NodeFenced() as event if event.node_id == node_id:
                evidence, stopped_at = "lease_expired", recorded.recorded_at
            case events.NodeResumed() as event if event.node_id == node_id:
                resumed_at, first_ack_ms = recorded.recorded_at, event.first_ack_ms
            case _:
                pass
    return NodeStory(
        node_id=node_id,
        evidence=evidence,
        stopped_after_ms=_ms(switch.fenced_at, stopped_at),
        held=held,
        cut=cut,
        resumed_after_ms=_ms(switch.committed_at, resumed_at),
        first_ack_ms=first_ack_ms,
    )


def _proof(happened: Sequence[object], switch: Switch) -> Proof | None:
    # The last of each: another coordinator proves again.
    frozen = [e for e in happened if isinstance(e, events.SourceFrozen)]
    caught_up = [e for e in happened if isinstance(e, events.CaughtUp)]
    if not (frozen and caught_up and switch.commit_seq is not None):
        return None
    target = dict(switch.cut.target) if switch.cut else {}
    source = switch.cut.source if switch.cut else ()
    return Proof(
        stood_still_ms=frozen[-1].window_ms,
        partitions=caught_up[-1].partitions,
        offsets_digest=caught_up[-1].offsets_digest,
        ends=tuple((partition, end, target.get(partition, 0)) for partition, end in source),
        compared=dict(caught_up[-1].compared),
        by_means=caught_up[-1].proved,
        holes=caught_up[-1].holes,
        waived=caught_up[-1].waived,
    )


def _ms(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round((end - start).total_seconds() * 1000, 1)
