"""Has MirrorMaker 2 run in the right direction, and turns it round after a switch."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from uuid import UUID

import structlog
from uuid_utils import uuid7

from controlplane.coordinator.carrying import carry_configs
from controlplane.coordinator.refilling import Refiller
from controlplane.coordinator.tending import Tender
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.events import ApartTopic
from controlplane.domain.mirror.request import RequestReversal, due_reversal, request_reversal
from controlplane.domain.mirror.state import Reversal, direction_after, initial_direction
from controlplane.domain.mirror.steps import (
    Act,
    MirrorVerdict,
    Note,
    Seeding,
    TurnView,
    What,
    next_step,
)
from controlplane.domain.mirror.together import left_out
from controlplane.domain.refusal import Refusal
from controlplane.mirrors.flow import prepare_flow
from controlplane.mirrors.opening import open_runner
from controlplane.mirrors.restoring import empty_target, settle_tails
from controlplane.mirrors.runner import MirrorUnavailableError, Runner
from controlplane.mirrors.turning import Turning
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.publisher.producer import KAFKA_FAILURES
from controlplane.store.event_store import Attribution
from controlplane.store.watches import Pair

_logger = structlog.get_logger()

_BY = "system:coordinator"
_IDLE_S = 2.0
_AGAIN_S = 0.5
_TROUBLE = (MirrorUnavailableError, LookError, *KAFKA_FAILURES)


async def tend_mirror(plane: ControlPlane) -> None:
    """Look after the mirror of the scope, for ever."""
    runner, scope = open_runner(plane.settings), plane.settings.scope
    tender = Tender(plane, runner) if runner is not None else None
    refiller = Refiller(plane, runner) if runner is not None else None
    while True:
        facts = plane.ledger.facts
        if (reversal := facts.open_reversal(scope)) is not None:
            await _Turner(plane, runner, reversal).turn()
        elif runner is not None and _by_itself(plane) and due_reversal(facts, scope):
            await _request(plane)
        else:
            if runner is not None and tender is not None and refiller is not None:
                await _keep_running(plane, runner, tender, refiller)
            await plane.ledger.changed.wait(_IDLE_S)


def _by_itself(plane: ControlPlane) -> bool:
    return plane.settings.interlock_mirror_reversal == "after_switch"


async def _request(plane: ControlPlane) -> None:
    """The switch is over: turn the mirror round, in its name."""
    facts, scope = plane.ledger.facts, plane.settings.scope
    command = RequestReversal(
        reversal_id=str(UUID(bytes=uuid7().bytes)),
        scope=scope,
        runner=plane.settings.interlock_mirror,
    )
    by = Attribution(actor=_BY, reason="the scope was switched")
    try:
        async with plane.ledger.turn(by) as turn:
            await turn.append(request_reversal(turn.facts, command))
    except Refusal as refusal:
        _logger.warning("mirror.not_reversed", scope=scope, seq=facts.seq, detail=str(refusal))


async def _keep_running(
    plane: ControlPlane, runner: Runner, tender: Tender, refiller: Refiller
) -> None:
    """Give the order that follows from the log, if the runner has another, or none."""
    facts, scope = plane.ledger.facts, plane.settings.scope
    if any(switch.fence_seq is not None for switch in facts.open_switches()):
        return
    initial = initial_direction(facts.first_cluster.get(scope), plane.settings.clusters_by_role)
    wanted = direction_after(initial, facts.newest_reversal(scope))
    try:
        running, leaves = await runner.running()
        wanted_out = left_out(facts, wanted.source) if wanted is not None else ()
        if running != wanted and _may_be_turned_already(facts, scope):
            tender.leave(
                "the log was reconciled, and does not know where the mirror has to begin: it copies"
                f" {running or 'nothing'}, and should copy {wanted or 'nothing'}; turn it round by"
                " hand"
            )
        elif running != wanted or (leaves is not None and leaves != wanted_out):
            await runner.run(wanted, wanted_out)
            _logger.info("mirror.ordered", direction=str(wanted), left_out=wanted_out)
        elif wanted is not None:
            if wanted_out and leaves is None:
                tender.leave(
                    f"{wanted.target} serves {', '.join(wanted_out)}: topics and groups of these"
                    " are to be left out by topics.exclude and groups.exclude, which is done by"
                    " hand here"
                )
            await tender.tend(wanted)
            await refiller.tend(wanted)
    except _TROUBLE as error:
        _logger.warning("mirror.unavailable", detail=str(error))


def _may_be_turned_already(facts: Facts, scope: str) -> bool:
    """Whether a reversal may have been lost, so that a new order could bring records twice."""
    routing = facts.routing(scope)
    was_switched = routing is not None and routing.epoch > 0
    return facts.reconciled_seq > 0 and was_switched and facts.newest_reversal(scope) is None


class _Turner:
    """Carries one reversal through."""

    def __init__(self, plane: ControlPlane, runner: Runner | None, reversal: Reversal) -> None:
        self._plane = plane
        self._runner = runner
        self._id = reversal.reversal_id
        self._scope = reversal.scope
        self._open = AsyncExitStack()
        self._turning: Turning | None = None
        self._stopped = False
        self._apart: tuple[ApartTopic, ...] | None = None
        self._emptied = False
        self._seeding: Seeding | None = None
        self._started = False
        self._verdict: MirrorVerdict | None = None
        self._acts: Mapping[What, Callable[[], Awaitable[None]]] = {
            "stop": self._stop,
            "settle": self._settle,
            "empty": self._empty,
            "seed": self._seed,
            "start": self._start,
            "verify": self._verify,
        }

    @property
    def _reversal(self) -> Reversal:
        return self._plane.ledger.facts.reversals[self._id]

    async def turn(self) -> None:
        """Go on until the reversal is over, or a person has to do something."""
        age_s = await self._plane.ledger.store.seconds_since(self._reversal.requested_at)
        self._requested_at = time.monotonic() - age_s
        try:
            while self._reversal.open:
                match next_step(self._view(), time.monotonic()):
                    case Note():
                        await self._append()
                    case Act(what):
                        await self._try(what)
                    case None:
                        await self._plane.ledger.changed.wait(_IDLE_S)
        finally:
            await self._open.aclose()

    def _view(self) -> TurnView:
        routing = self._plane.ledger.facts.routing(self._scope)
        return TurnView(
            reversal=self._reversal,
            serving=routing.cluster if routing is not None else "",
            requested_at=self._requested_at,
            stopped=self._stopped,
            apart=self._apart,
            emptied=self._emptied,
            seeding=self._seeding,
            started=self._started,
            verdict=self._verdict,
        )

    async def _append(self) -> None:
        """Decide again with the log locked."""
        async with self._plane.ledger.turn(Attribution(actor=_BY)) as turn:
            step = next_step(self._view(), time.monotonic())
            if isinstance(step, Note):
                await turn.append([step.event])

    async def _try(self, what: What) -> None:
        try:
            await self._acts[what]()
        except _TROUBLE as error:
            detail = str(error) or type(error).__name__
            _logger.warning("mirror.reversal_waits", step=what, detail=detail)
            await self._open.aclose()
            self._turning = None
            await asyncio.sleep(_AGAIN_S)

    async def _stop(self) -> None:
        await self._must().run(None)
        self._stopped = True

    async def _settle(self) -> None:
        facts, reversal = self._plane.ledger.facts, self._reversal
        found = await (await self._turned()).divergence(facts, reversal.scope)
        self._apart = await settle_tails(self._plane.settings.clusters, reversal, found)

    async def _empty(self) -> None:
        await empty_target(self._plane.settings.clusters, self._reversal)
        await self._open.aclose()
        self._turning, self._emptied = None, True

    async def _seed(self) -> None:
        direction, reversal = self._reversal.direction, self._reversal
        turning = await self._turned()
        clusters = {cluster.name: cluster for cluster in self._plane.settings.clusters}
        await prepare_flow(clusters[direction.source], clusters[direction.target])
        pair = Pair(scope=self._scope, from_cluster=direction.source, to_cluster=direction.target)
        # Before anything is copied: what is to become a copy takes timestamps as they come.
        await carry_configs(self._plane, pair)
        seeding = await turning.seeding(self._plane.ledger.facts, reversal)
        if not reversal.resumes and reversal.runner != "manual":
            await self._must().seed(direction, seeding.positions)
        self._seeding = seeding

    async def _start(self) -> None:
        await self._must().run(self._reversal.direction)
        self._started = True

    async def _verify(self) -> None:
        self._verdict = await (await self._turned()).verdict(self._reversal)
        if self._verdict.awaited:
            trouble = None
            if self._runner is not None:
                trouble = await self._runner.trouble(self._reversal.direction)
            if trouble is not None:
                _logger.warning("mirror.reversal_waits", step="verify", detail=trouble)
            await asyncio.sleep(_AGAIN_S)

    async def _turned(self) -> Turning:
        if self._turning is None:
            turning = Turning(self._plane.settings.clusters, self._reversal.direction)
            self._turning = await self._open.enter_async_context(turning)
        return self._turning

    def _must(self) -> Runner:
        if self._runner is None:
            raise MirrorUnavailableError(
                f"reversal {self._id} is one of INTERLOCK_MIRROR={self._reversal.runner}, which is"
                " no longer configured"
            )
        return self._runner
