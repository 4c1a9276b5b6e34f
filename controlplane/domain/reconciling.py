"""Taking what was broadcast back into a log that lost its tail: the event, and what it makes."""

from collections.abc import Iterable

import msgspec

from contract.fold import ControlState
from contract.records import Beacon, Node, Record
from controlplane.domain import events
from controlplane.domain.copies import Copy
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict


class StateDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What the log and the broadcast say of one key, each as a record; None: nothing."""

    key: str
    log: Record | None
    broadcast: Record | None


def differences(log: ControlState, broadcast: ControlState) -> tuple[StateDifference, ...]:
    """Where the broadcast state is not the log's, by key."""
    ours, theirs = _by_key(log), _by_key(broadcast)
    keys = sorted(ours.keys() | theirs.keys())
    return tuple(
        StateDifference(key=key, log=ours.get(key), broadcast=theirs.get(key))
        for key in keys
        if _said(ours.get(key)) != _said(theirs.get(key))
    )


def _by_key(state: ControlState) -> dict[str, Record]:
    return {r.key: r for r in state.records() if not isinstance(r.state, Beacon)}


def _said(record: Record | None) -> object:
    return (record.seq, record.state) if record is not None else None


def reconcile(
    facts: Facts, broadcast: ControlState, copies: Iterable[Copy], present: Iterable[Copy]
) -> list[Event]:
    """What was broadcast becomes what the log says.

    Nodes whose registration was lost are registered again, and those that were gone by then are
    taken out: a lease is judged by these events.

    Args:
        facts: what the log adds up to now.
        broadcast: the state that the control topic adds up to.
        copies: how far anybody knows the truth; the event's number is beyond all of them.
        present: those of them that are still there, and have to go on from what is taken back.

    Raises:
        Conflict: the control topic holds nothing, or somebody knows more than it does.
    """
    if broadcast.log is None or broadcast.seq == 0:
        raise Conflict("the control topic holds no state that could be taken back")
    _must_hold_everything(broadcast, present)
    reconciled = events.LogReconciled(
        log=broadcast.log,
        through_seq=max(facts.seq, broadcast.seq, *(copy.seq for copy in copies)),
        digest=broadcast.digest(),
        lost_from=facts.seq + 1,
        records=tuple(r for r in broadcast.records() if not isinstance(r.state, Beacon)),
    )
    return [reconciled, *_registrations(facts.control, broadcast)]


def _must_hold_everything(broadcast: ControlState, present: Iterable[Copy]) -> None:
    for copy in present:
        other = copy.digest != broadcast.digest()
        if copy.log in {None, broadcast.log} and copy.seq > broadcast.seq and other:
            raise Conflict(
                f"{copy.where} knows up to event {copy.seq}, the control topic only up to"
                f" {broadcast.seq}: what stands between is nowhere to be had. If it may be given"
                f" up, stop {copy.where}, and ask again"
            )


def _registrations(log: ControlState, broadcast: ControlState) -> list[Event]:
    ours = {node.node_id: node.incarnation for node in log.of(Node)}
    theirs = {node.node_id: node.incarnation for node in broadcast.of(Node)}
    gone = [
        events.NodeDeregistered(node_id=node_id, incarnation=incarnation, cause="left")
        for node_id, incarnation in sorted(ours.items())
        if node_id not in theirs
    ]
    there = [
        events.NodeRegistered(node_id=node_id, incarnation=incarnation)
        for node_id, incarnation in sorted(theirs.items())
        if ours.get(node_id) != incarnation
    ]
    return [*gone, *there]
