"""The standing look at the mirror: whether records arrive, and that none come back."""

import asyncio
import time

import structlog

from contract.mirror import Direction
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.events import CircleDetected, CircleEnded
from controlplane.mirrors.flow import Flow, Sightings, open_flow
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.publisher.producer import KAFKA_FAILURES
from controlplane.store.event_store import Attribution

_logger = structlog.get_logger()

_BY = Attribution(actor="system:coordinator")
_PERIOD_S = 10.0
_RETRY_S = 10.0
_IDLE_S = 2.0


async def watch_for_circles(plane: ControlPlane) -> None:
    """Write a record to the serving cluster every ten seconds, and see where it goes, for ever."""
    while True:
        direction = _direction(plane)
        if direction is None:
            await plane.ledger.changed.wait(_IDLE_S)
            continue
        clusters = {cluster.name: cluster for cluster in plane.settings.clusters}
        try:
            async with open_flow(clusters[direction.source], clusters[direction.target]) as flow:
                while _direction(plane) == direction:
                    await _period(plane, flow, direction)
        except (LookError, *KAFKA_FAILURES) as error:
            _logger.info("mirror.not_watched", detail=str(error) or type(error).__name__)
            await asyncio.sleep(_RETRY_S)
        finally:
            plane.mirror_seen = None


def _direction(plane: ControlPlane) -> Direction | None:
    """From the serving cluster to the other one; None where there is none, or during a switch."""
    facts, scope = plane.ledger.facts, plane.settings.scope
    routing = facts.routing(scope)
    if routing is None or facts.open_switch(scope) or facts.open_reversal(scope):
        return None
    others = (name for name in plane.settings.clusters_by_role if name != routing.cluster)
    target = next(others, None)
    return Direction(source=routing.cluster, target=target) if target is not None else None


async def _period(plane: ControlPlane, flow: Flow, direction: Direction) -> None:
    began = time.monotonic()
    await flow.write()
    came_back = False
    while time.monotonic() < began + _PERIOD_S and _direction(plane) == direction:
        seen: Sightings = await flow.look(wait_s=1.0)
        came_back |= seen.came_back
        plane.mirror_seen = seen
        await _note(plane, direction, circle=came_back, over=False)
    await _note(plane, direction, circle=came_back, over=True)


async def _note(plane: ControlPlane, direction: Direction, *, circle: bool, over: bool) -> None:
    """Record a circle as soon as it is seen, and its end after a whole period without."""
    scope = plane.settings.scope
    clusters = (direction.source, direction.target)
    if circle and over:
        _logger.warning(
            "mirror.circle",
            detail=f"records run in a circle between {clusters[0]} and {clusters[1]}:"
            f" stop the mirror {direction.back}, its heartbeats included",
        )
    if circle == _known(plane.ledger.facts, scope) or not (circle or over):
        return
    async with plane.ledger.turn(_BY) as turn:
        if circle != _known(turn.facts, scope):
            event = (
                CircleDetected(scope=scope, clusters=clusters)
                if circle
                else CircleEnded(scope=scope)
            )
            await turn.append([event])


def _known(facts: Facts, scope: str) -> bool:
    return scope in facts.circles
