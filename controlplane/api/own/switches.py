"""`/api/v1/switches`: plan, start, watch, list, show and abort."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from contract.shown import listed
from controlplane.api.access import FOR, attribution, require_role
from controlplane.api.own.schemas import (
    AbortQuestion,
    Items,
    SwitchDetail,
    SwitchQuestion,
    SwitchView,
    event_view,
    switch_view,
)
from controlplane.api.switching import Terms, new_switch, start
from controlplane.domain.event import Recorded
from controlplane.domain.refusal import Invalid, Missing
from controlplane.domain.switch.request import abort_switch
from controlplane.domain.switch.state import Switch
from controlplane.plane import ControlPlane
from controlplane.store.event_search import Search
from controlplane.store.event_store import Attribution
from controlplane.store.idempotency import IdempotencyKey
from controlplane.users import Role

SwitchId = Annotated[str, PathParameter(name="switch_id")]


class SwitchController(Controller):
    """Switches."""

    path = "/api/v1/switches"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Switches"]  # noqa: RUF012

    @post(status_code=202, opt={FOR: Role.OPERATOR})
    async def start(
        self,
        data: JSONBody[SwitchQuestion],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
        key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
        if_match: Annotated[str | None, HeaderParameter(name="If-Match")] = None,
    ) -> Response[SwitchView]:
        """Start a switch. `If-Match` names the epoch that the scope must be in."""
        by = attribution(request, data.reason)
        idempotency = None
        if key is not None:
            idempotency = IdempotencyKey(principal=by.actor, key=key, request=await request.body())
        switch_id = await request_switch(plane, data, by, _epoch(if_match), idempotency)
        return Response(
            switch_view(plane.ledger.facts.switches[switch_id]),
            status_code=202,
            headers={"Location": f"/api/v1/switches/{switch_id}"},
        )

    @get()
    async def list_all(self, plane: NamedDependency[ControlPlane]) -> Items[SwitchView]:
        """All switches, newest first."""
        facts = await plane.ledger.fresh()
        return Items(items=[switch_view(s) for s in reversed(facts.switches.values())])

    @get("/{switch_id:str}")
    async def show(self, switch_id: SwitchId, plane: NamedDependency[ControlPlane]) -> SwitchDetail:
        """One switch with its events, and the evidence for each node."""
        await plane.ledger.fresh()
        switch = _switch(plane, switch_id)
        events = await _events(plane, switch_id, 0)
        return SwitchDetail(switch=switch_view(switch), events=[event_view(e) for e in events])

    @get("/{switch_id:str}/events")
    async def watch(
        self, switch_id: SwitchId, plane: NamedDependency[ControlPlane]
    ) -> ServerSentEvent:
        """The switch's events as they happen (server-sent events), until it has ended."""
        await plane.ledger.fresh()
        _switch(plane, switch_id)
        return ServerSentEvent(_stream(plane, switch_id))

    @post("/{switch_id:str}/abort", status_code=202, opt={FOR: Role.OPERATOR})
    async def abort(
        self,
        switch_id: SwitchId,
        data: JSONBody[AbortQuestion],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> SwitchView:
        """Undo a switch that is not committed. 409 once it is."""
        await request_abort(plane, switch_id, attribution(request, data.reason))
        return switch_view(_switch(plane, switch_id))


async def request_switch(
    plane: ControlPlane,
    question: SwitchQuestion,
    by: Attribution,
    epoch: int | None,
    idempotency: IdempotencyKey | None,
) -> str:
    """Start a switch, unless the same request has; its id.

    Args:
        plane: this control plane.
        question: what is asked for.
        by: who asks.
        epoch: the scope must be in it; None: in any.
        idempotency: what a repeated request is known by; None: each is a new one.

    Raises:
        Refusal: it cannot be started, and why.
        KeyReusedError: the key was used for another request.
    """
    require_consent(question)
    command = new_switch(
        plane,
        question.scope or plane.settings.scope,
        question.to_cluster,
        question.mode,
        epoch,
        terms=Terms(
            quiesce_budget_s=question.quiesce_budget_s,
            transactions_budget_s=question.transactions_budget_s,
            accepts_loss=question.accept_loss,
            waived=tuple(question.waive),
        ),
    )
    switch_id = command.switch_id
    async with plane.ledger.turn(by) as turn:
        if idempotency is not None:
            kept = await idempotency.find(turn.connection)
            if kept is not None:
                return str(msgspec.json.decode(kept.response)["switchId"])
            answer = msgspec.json.encode({"switchId": switch_id}).decode()
            await idempotency.keep(turn.connection, 202, answer)
        await start(plane, turn, command)
    return switch_id


async def request_abort(plane: ControlPlane, switch_id: str, by: Attribution) -> None:
    """Have a switch undone that is not committed.

    Raises:
        Refusal: there is none, or it is; the message says which.
    """
    async with plane.ledger.turn(by) as turn:
        cause = f"aborted by {by.actor}: {by.reason}"
        await turn.append(abort_switch(turn.facts, switch_id, cause))


def require_consent(question: SwitchQuestion) -> None:
    """Have somebody say why, and that the loss is meant, before anything is forced or left behind.

    Raises:
        Invalid: it was not said.
    """
    if question.mode == "forced" and not (question.reason and question.accept_loss):
        raise Invalid(
            "a forced switch loses what the target does not hold: give `reason` and `acceptLoss`,"
            " or switch with mode planned; a plan of mode forced tells what is missing"
        )
    if question.waive and not question.reason:
        raise Invalid(
            f"nothing is proved of what is waived ({listed(question.waive)}): give"
            " `reason`, which stands in the log beside these names"
        )


def _epoch(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    try:
        return int(if_match.strip('"'))
    except ValueError as error:
        raise Invalid(f"If-Match is {if_match!r}; give the scope's epoch, a number") from error


def _switch(plane: ControlPlane, switch_id: str) -> Switch:
    switch = plane.ledger.facts.switches.get(switch_id)
    if switch is None:
        raise Missing(f"there is no switch {switch_id}")
    return switch


async def _events(plane: ControlPlane, switch_id: str, after: int) -> list[Recorded]:
    return await plane.ledger.store.search(Search(subject=f"switch/{switch_id}", after=after))


async def _stream(plane: ControlPlane, switch_id: str) -> AsyncIterator[ServerSentEventMessage]:
    after = 0
    while True:
        ended = not _switch(plane, switch_id).open
        for recorded in await _events(plane, switch_id, after):
            after = recorded.seq
            data = msgspec.json.encode(event_view(recorded)).decode()
            yield ServerSentEventMessage(data=data, event=recorded.event.kind, id=str(after))
        if ended or plane.ledger.closing:
            return
        await plane.ledger.changed.wait(1.0)
