"""`/api/v1/mirror`: which way records are copied, and having that turned round."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from uuid_utils import uuid7

from contract.mirror import Direction
from controlplane.api.access import FOR, attribution, require_role
from controlplane.api.own.schemas import Answer, Question
from controlplane.coordinator.diverging import divergence_between
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.divergence import Divergence
from controlplane.domain.mirror.events import Tail
from controlplane.domain.mirror.manual import steps_by_hand
from controlplane.domain.mirror.request import (
    AlreadyReversedError,
    RequestReversal,
    confirm_reversal,
    request_reversal,
)
from controlplane.domain.mirror.state import Reversal, direction_after, initial_direction
from controlplane.domain.mirror.together import left_out
from controlplane.domain.mirror.transitions import ReversalPhase
from controlplane.domain.refusal import Missing, Unavailable
from controlplane.plane import ControlPlane
from controlplane.probes.divergence import sample_keys
from controlplane.probes.failing import LookError
from controlplane.probes.readers import Readers
from controlplane.probes.readiness import mirror_trouble
from controlplane.users import Role

_MOST_RANGES = 20


class ReversalQuestion(Question, frozen=True, kw_only=True, rename="camel"):
    """Why the mirror is turned round."""

    reason: str | None = None
    find_cut: bool = False
    """After a forced switch: compare both clusters to find where the new direction begins."""
    accept_gaps: bool = False
    """Leave records where they are that cannot be brought exactly once."""
    tail: Tail = "leave"
    """What becomes of records that only the other cluster has: they stay; or its topics are emptied
    and filled again, with those records discarded, or kept in side topics of the cluster that
    serves."""


class Confirmation(Question, frozen=True, kw_only=True, rename="camel"):
    """That the steps were taken by hand."""

    reason: str | None = None


class OneSidedView(Answer, frozen=True, kw_only=True, rename="camel"):
    """Records that only one cluster has."""

    count: int
    ranges: tuple[tuple[int, int], ...]
    """First and last offset of each row of them; the first twenty."""
    keys: list[str | None]
    """Of the first ones, if asked for."""


class DivergenceView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A partition that is not the same on both."""

    partition: str
    only_on_serving: OneSidedView
    not_on_their_way: int
    """How many of these stand before records that both have: no mirror brings them any more."""
    only_on_other: OneSidedView
    complete: bool


class DivergenceReport(Answer, frozen=True, kw_only=True, rename="camel"):
    """Two clusters, compared."""

    serving: str
    other: str
    compared: int
    """Partitions that were compared; those that are the same are not listed."""
    items: list[DivergenceView]
    unreadable: list[str]
    """Partitions that could not be read on one of them, where, and why: they are not compared."""


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
    filled_again: tuple[str, ...]
    """Topics that the target gets from the beginning."""
    side_topics: tuple[str, ...]
    """Where the records are kept that only the target had."""
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
    left_out: tuple[str, ...]
    """Virtual clusters of which nothing is copied: another cluster than the source serves them."""
    circle: bool
    """Whether records come back to where they were written."""
    trouble: str | None
    """Why the mirror that Interlock manages does not copy as the log has it; null if nothing is
    known to be wrong, or it is not managed."""
    reversal: ReversalView | None
    """The newest."""


class MirrorController(Controller):
    """The mirror."""

    path = "/api/v1/mirror"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Mirror"]  # noqa: RUF012

    @get()
    async def show(self, plane: NamedDependency[ControlPlane]) -> MirrorView:
        """Which way it copies, and how its newest turn went."""
        return await mirror_view(plane)

    @post("/reverse", status_code=202, opt={FOR: Role.OPERATOR})
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
            find_cut=data.find_cut,
            accepts_gaps=data.accept_gaps,
            tail=data.tail,
        )
        reversal_id = command.reversal_id
        try:
            async with plane.ledger.turn(attribution(request, data.reason)) as turn:
                await turn.append(request_reversal(turn.facts, command))
        except AlreadyReversedError as error:
            reversal_id = error.reversal.reversal_id
        return _view(plane.ledger.facts.reversals[reversal_id])

    @post("/confirm", status_code=202, opt={FOR: Role.OPERATOR})
    async def confirm(
        self,
        data: JSONBody[Confirmation],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> ReversalView:
        """Say that the steps were taken by hand; whether that went well is looked at then."""
        scope = plane.settings.scope
        async with plane.ledger.turn(attribution(request, data.reason)) as turn:
            await turn.append(confirm_reversal(turn.facts, scope))
        return _newest(plane.ledger.facts, scope)

    @get("/divergence")
    async def divergence(
        self,
        plane: NamedDependency[ControlPlane],
        keys: Annotated[int, QueryParameter(name="keys", ge=0, le=100)] = 0,
    ) -> DivergenceReport:
        """What only one of the clusters has: the one that serves, and the other one.

        503 while one of them does not answer.
        """
        facts, scope = await plane.ledger.fresh(), plane.settings.scope
        routing = facts.routing(scope)
        others = [n for n in plane.settings.clusters_by_role if routing and n != routing.cluster]
        if routing is None or not others:
            raise Missing("there are no two clusters to compare")
        direction = Direction(source=routing.cluster, target=others[0])
        readers = Readers(plane.settings.clusters)
        try:
            found = await divergence_between(facts, readers, scope, direction)
            items = [
                await _divergent(readers, direction, divergence, keys)
                for divergence in found
                if divergence.on_serving.count or divergence.on_other.count
            ]
        except LookError as error:
            raise Unavailable(str(error)) from error
        finally:
            await readers.close()
        return DivergenceReport(
            serving=direction.source,
            other=direction.target,
            compared=sum(divergence.unreadable is None for divergence in found),
            items=items,
            unreadable=[str(d.unreadable) for d in found if d.unreadable is not None],
        )


async def mirror_view(plane: ControlPlane) -> MirrorView:
    """The mirror of the scope as it is now; asks whoever runs it, if Interlock manages it."""
    facts, scope = await plane.ledger.fresh(), plane.settings.scope
    routing, newest = facts.routing(scope), facts.newest_reversal(scope)
    first = facts.first_cluster.get(scope)
    direction = direction_after(initial_direction(first, plane.settings.clusters_by_role), newest)
    return MirrorView(
        runner=plane.settings.interlock_mirror,
        serving=routing.cluster if routing else None,
        source=direction.source if direction else None,
        target=direction.target if direction else None,
        left_out=left_out(facts, direction.source) if direction else (),
        circle=scope in facts.circles,
        trouble=await mirror_trouble(plane.settings, direction) if direction else None,
        reversal=_view(newest) if newest else None,
    )


async def _divergent(
    readers: Readers, direction: Direction, divergence: Divergence, keys: int
) -> DivergenceView:
    sides = []
    for cluster, side in (
        (direction.source, divergence.on_serving),
        (direction.target, divergence.on_other),
    ):
        reader = await readers.of(cluster)
        shown = await sample_keys(reader, divergence, side.ranges, keys) if keys else []
        shown_ranges = side.ranges[:_MOST_RANGES]
        sides.append(OneSidedView(count=side.count, ranges=shown_ranges, keys=shown))
    return DivergenceView(
        partition=divergence.partition,
        only_on_serving=sides[0],
        not_on_their_way=divergence.within,
        only_on_other=sides[1],
        complete=divergence.complete,
    )


def _newest(facts: Facts, scope: str) -> ReversalView:
    newest = facts.newest_reversal(scope)
    if newest is None:
        raise LookupError(f"scope {scope} has no reversal")
    return _view(newest)


def _view(reversal: Reversal) -> ReversalView:
    waits = reversal.runner == "manual" and reversal.phase is ReversalPhase.SEEDED
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
        filled_again=tuple(sorted(reversal.filled_again)),
        side_topics=tuple(a.side_topic for a in reversal.apart or () if a.side_topic),
        steps=steps_by_hand(reversal) if waits else (),
    )
