"""Leading: one control plane at a time surveys, publishes and moves switches on."""

import asyncio

import asyncpg
import structlog

from controlplane.coordinator.carrying import keep_configs
from controlplane.coordinator.circling import watch_for_circles
from controlplane.coordinator.mirroring import tend_mirror
from controlplane.coordinator.snapshotting import keep_snapshots
from controlplane.coordinator.surveyor import survey
from controlplane.coordinator.switching import move_switches
from controlplane.coordinator.watching import watch_replicas
from controlplane.ledger import LogBehindError
from controlplane.plane import ControlPlane
from controlplane.publisher.control_topic import ControlTopicPublisher, FencedError
from controlplane.publisher.mappings import publish_mappings
from controlplane.store.database import LOST
from controlplane.store.leader import candidate, try_to_lead
from controlplane.webhooks.telling import tell_web_hooks

_logger = structlog.get_logger()

_CANDIDATE_EVERY_S = 0.25
_LOOK_EVERY_S = 1.0


async def lead_when_possible(plane: ControlPlane) -> None:
    """Stand for leader for ever; lead while elected."""
    while True:
        try:
            async with candidate(plane.settings.database_url.get_secret_value()) as connection:
                while not await try_to_lead(connection):  # noqa: ASYNC110 - the lock is polled
                    await asyncio.sleep(_CANDIDATE_EVERY_S)
                if not await plane.copies.look():
                    await _lead(plane, connection)
        except LOST as error:
            _logger.warning("leader.database_lost", detail=str(error))
        await asyncio.sleep(_CANDIDATE_EVERY_S)


class _LeadershipLostError(Exception):
    """The connection that held the lock has ended."""


class _ContradictedError(Exception):
    """A copy of the truth knows more than the log."""


async def _lead(plane: ControlPlane, connection: asyncpg.Connection) -> None:
    _logger.info("leader.elected")
    plane.leading = True
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_until_lost(connection))
            tasks.create_task(_until_contradicted(plane))
            tasks.create_task(survey(plane))
            tasks.create_task(move_switches(plane))
            tasks.create_task(ControlTopicPublisher(plane).run())
            tasks.create_task(publish_mappings(plane))
            tasks.create_task(watch_replicas(plane))
            tasks.create_task(keep_configs(plane))
            tasks.create_task(tend_mirror(plane))
            tasks.create_task(watch_for_circles(plane))
            tasks.create_task(keep_snapshots(plane))
            tasks.create_task(tell_web_hooks(plane))
    except* (_ContradictedError, LogBehindError):
        _logger.warning("leader.contradicted")
    except* (_LeadershipLostError, FencedError):
        _logger.warning("leader.lost")
    except* LOST as lost:
        _logger.warning("leader.database_lost", detail=str(lost.exceptions[0]))
    except* Exception:
        # Leading again may well help, and the API goes on serving meanwhile.
        _logger.exception("leader.failed")
    finally:
        plane.leading = False
        plane.published_seq = 0


async def _until_lost(connection: asyncpg.Connection) -> None:
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    await lost.wait()
    raise _LeadershipLostError


async def _until_contradicted(plane: ControlPlane) -> None:
    while not plane.copies.found:
        await plane.ledger.changed.wait(_LOOK_EVERY_S)
    raise _ContradictedError
