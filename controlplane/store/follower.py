"""Hears from Postgres that something was written: a hint, whoever follows also polls."""

import asyncio
from collections.abc import Callable

import structlog

from controlplane.store.database import LOST, connect

_logger = structlog.get_logger()


async def listen(url: str, channels: dict[str, Callable[[], None]]) -> None:
    """Call back for every notification, for ever; reconnects when the connection is lost."""
    while True:
        try:
            await _listen_once(url, channels)
        except LOST as error:
            _logger.warning("postgres.notifications_lost", error=str(error))
        await asyncio.sleep(0.5)


async def _listen_once(url: str, channels: dict[str, Callable[[], None]]) -> None:
    connection = await connect(url)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        for channel, heard in channels.items():
            await connection.add_listener(channel, lambda *_, heard=heard: heard())
            heard()
        await lost.wait()
    finally:
        connection.terminate()
