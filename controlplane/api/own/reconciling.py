"""`/api/v1/log/reconciliation`: a log that lost its tail takes back what was broadcast."""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from contract.records import Record
from controlplane.api.access import attribution, require_role
from controlplane.api.older import require_all_read
from controlplane.api.own.schemas import Answer, Question, without_verifiers
from controlplane.copies import copy_of
from controlplane.domain.copies import Copy
from controlplane.domain.facts import Facts
from controlplane.domain.reconciling import differences, reconcile
from controlplane.domain.refusal import Conflict, Invalid, Unavailable
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.publisher.broadcast import Broadcast, read_broadcast


class CopyView(Answer, frozen=True, kw_only=True, rename="camel"):
    """How far somebody knows the truth."""

    where: str
    log: str | None
    seq: int


class Said(Answer, frozen=True, kw_only=True, rename="camel"):
    """What is said of a key."""

    seq: int
    state: Any
    """Null: it is gone."""


class DifferenceView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A key of which the log says something else than what was broadcast."""

    key: str
    log: Said | None
    broadcast: Said | None


class Reconciliation(Answer, frozen=True, kw_only=True, rename="camel"):
    """The log beside what was broadcast."""

    objection: str | None
    """What stands against the log; null: nothing, it is all of the truth."""
    log: str
    seq: int
    broadcast_log: str | None
    """Of the control topic; null: it holds nothing."""
    broadcast_seq: int
    digest: str
    """Of what was broadcast."""
    copies: list[CopyView]
    differences: list[DifferenceView]


class TakeBack(Question, frozen=True, kw_only=True, rename="camel"):
    """The order to take back what was broadcast."""

    reason: str
    digest: str
    """Of what was looked at before: nothing else is taken back."""


class ReconciliationController(Controller):
    """The log, and what was broadcast."""

    path = "/api/v1/log/reconciliation"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Event log"]  # noqa: RUF012

    @get()
    async def show(self, plane: NamedDependency[ControlPlane]) -> Reconciliation:
        """What the log says, and what was broadcast. Changes nothing."""
        return _view(plane, await _broadcast(plane))

    @post(status_code=200)
    async def take_back(
        self,
        data: JSONBody[TakeBack],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> Reconciliation:
        """Have the log say what was broadcast, by one event.

        409 if nothing stands against the log, the broadcast is not what was looked at, or a control
        plane of an older release runs.
        """
        if not data.reason.strip():
            raise Invalid("give a reason: it stands in the log")
        broadcast = await _broadcast(plane)
        if plane.ledger.objection is None:
            raise Conflict("the log is all of the truth: there is nothing to take back")
        if broadcast.state.digest() != data.digest:
            raise Conflict("something else was broadcast since you looked: look again")
        present = await _present(plane)
        async with plane.ledger.turn(attribution(request, data.reason), reconciles=True) as turn:
            await require_all_read(turn, "log.reconciled", "could not read the event")
            decided = reconcile(turn.facts, broadcast.state, plane.copies.known, present)
            await turn.append(decided)
            await plane.sessions.forget_all(turn.connection)
        await plane.copies.look()
        return _view(plane, broadcast)


async def _broadcast(plane: ControlPlane) -> Broadcast:
    try:
        broadcast = await read_broadcast(plane.settings.control_cluster)
    except LookError as error:
        raise Unavailable(f"what was broadcast cannot be read: {error}") from error
    await plane.copies.look()
    return broadcast


async def _present(plane: ControlPlane) -> list[Copy]:
    """The nodes that still report."""
    lease_s = plane.settings.interlock_lease_s
    sessions = await plane.sessions.newest()
    return [copy_of(session) for session in sessions.values() if session.may_serve(lease_s)]


def _view(plane: ControlPlane, broadcast: Broadcast) -> Reconciliation:
    facts, state = plane.ledger.facts, broadcast.state
    return Reconciliation(
        objection=plane.ledger.objection,
        log=facts.log,
        seq=facts.seq,
        broadcast_log=state.log,
        broadcast_seq=state.seq,
        digest=state.digest(),
        copies=[CopyView(where=c.where, log=c.log, seq=c.seq) for c in plane.copies.known],
        differences=_differences(facts, broadcast),
    )


def _differences(facts: Facts, broadcast: Broadcast) -> list[DifferenceView]:
    return [
        DifferenceView(key=one.key, log=_said(one.log), broadcast=_said(one.broadcast))
        for one in differences(facts.control, broadcast.state)
    ]


def _said(record: Record | None) -> Said | None:
    if record is None:
        return None
    shown = without_verifiers(msgspec.to_builtins(record.state, str_keys=True))
    return Said(seq=record.seq, state=shown)
