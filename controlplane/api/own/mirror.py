"""`/api/v1/mirror`: which way records are copied, and having that turned round."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from uuid_utils import uuid7

from controlplane.api.access import attribution, require_admin
from controlplane.api.own.schemas import Answer, Question
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.manual import steps_by_hand
from controlplane.domain.mirror.request import (
    AlreadyReversedError,
    RequestReversal,
    confirm_reversal,
    request_reversal,
)
from controlplane.domain.mirror.state import Phase, Reversal, direction_after, initial_direction
from controlplane.plane import ControlPlane


class ReversalQuestion(Question, frozen=True, kw_only=True, rename="camel"):
    """Why the mirror is turned round."""

    reason: str | None = None


class ReversalView(Answer, frozen=True, kw_only=True, rename="camel"):
    """One turn of the mirror."""

    reversal_id: str
    source: str
    target: str
    switch_id: str
    runner: str
    phase: str
    requested_by: str
    reason: str | None
    requested_at: datetime
    ended_at: datetime | None
    cause: str | None
    """Why it failed."""
    steps: tuple[str, ...]
    """What a person has to do now, before confirming; empty if nothing."""


class MirrorView(Answer, frozen=True, kw_only=True, rename="camel"):
    """The mirror of the scope."""

    runner: str
    """Who runs MirrorMaker 2."""
    serving: str | None
    """The cluster that clients write to."""
    source: str | None
    """The cluster that is copied from, and `target` the one that is copied to, as the log has it;
    null while nothing is to be copied."""
    target: str | None
    circle: bool
    """Whether records come back to where they were written."""
    reversal: ReversalView | None
    """The newest."""


class MirrorController(Controller):
    """The mirror."""

    path = "/api/v1/mirror"
    guards = [require_admin]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Mirror"]  # noqa: RUF012

    @get()
    async def show(self, plane: NamedDependency[ControlPlane]) -> MirrorView:
        """Which way it copies, and how its newest turn went."""
        facts, scope = await plane.ledger.fresh(), plane.settings.scope
        routing, newest = facts.routing(scope), facts.newest_reversal(scope)
        first = facts.first_cluster.get(scope)
        direction = direction_after(
            initial_direction(first, plane.settings.clusters_by_role), newest
        )
        return MirrorView(
            runner=plane.settings.interlock_mirror,
            serving=routing.cluster if routing else None,
            source=direction.source if direction else None,
            target=direction.target if direction else None,
            circle=scope in facts.circles,
            reversal=_view(newest) if newest else None,
        )

    @post("/reverse", status_code=202)
    async def reverse(
        self,
        data: JSONBody[ReversalQuestion],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> ReversalView:
        """Have it copy from the cluster that serves. Asking again answers with the same turn."""
        command = RequestReversal(
            reversal_id=str(UUID(bytes=uuid7().bytes)),
            scope=plane.settings.scope,
            runner=plane.settings.interlock_mirror,
        )
        reversal_id = command.reversal_id
        try:
            async with plane.ledger.turn(attribution(request, data.reason)) as turn:
                await turn.append(request_reversal(turn.facts, command))
        except AlreadyReversedError as error:
            reversal_id = error.reversal.reversal_id
        return _view(plane.ledger.facts.reversals[reversal_id])

    @post("/confirm", status_code=202)
    async def confirm(
        self,
        data: JSONBody[ReversalQuestion],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> ReversalView:
        """Say that the steps were taken by hand; whether that went well is looked at then."""
        scope = plane.settings.scope
        async with plane.ledger.turn(attribution(request, data.reason)) as turn:
            await turn.append(confirm_reversal(turn.facts, scope))
        return _newest(plane.ledger.facts, scope)


def _newest(facts: Facts, scope: str) -> ReversalView:
    newest = facts.newest_reversal(scope)
    if newest is None:
        raise LookupError(f"scope {scope} has no reversal")
    return _view(newest)


def _view(reversal: Reversal) -> ReversalView:
    waits = reversal.runner == "manual" and reversal.phase is Phase.SEEDED
    return ReversalView(
        reversal_id=reversal.reversal_id,
        source=reversal.direction.source,
        target=reversal.direction.target,
        switch_id=reversal.switch_id,
        runner=reversal.runner,
        phase=reversal.phase.value,
        requested_by=reversal.actor,
        reason=reversal.reason,
        requested_at=reversal.requested_at,
        ended_at=reversal.ended_at,
        cause=reversal.cause,
        steps=steps_by_hand(reversal) if waits else (),
    )
