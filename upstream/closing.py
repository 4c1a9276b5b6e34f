"""Ends aiokafka's clients, which may not come to an end.

A consumer that has just lost its cluster may miss that its fetching is to end. As it suppresses the
cancellation of what it waits for (`Fetcher.close`), whoever stops it cannot be cancelled either.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog

CLOSE_BUDGET_S: Final = 5.0

_closing: set[asyncio.Future[None]] = set()
"""What is being closed: nobody else may hold it any more."""

_logger = structlog.get_logger()


async def close(*endings: Awaitable[None], within_s: float | None = None) -> None:
    """Wait for what ends clients, not for long; what has not ended then is left to itself.

    A failure while closing is told in the log: nobody can do anything about it.
    """
    limit_s = CLOSE_BUDGET_S if within_s is None else within_s
    closing = [asyncio.ensure_future(ending) for ending in endings]
    _closing.update(closing)
    for one in closing:
        one.add_done_callback(_ended)
    _, unended = await asyncio.wait(closing, timeout=limit_s)
    if unended:
        _logger.warning("clients.not_closed", count=len(unended), within_s=limit_s)


def _ended(closed: asyncio.Future[None]) -> None:
    _closing.discard(closed)
    if not closed.cancelled() and (error := closed.exception()) is not None:
        _logger.info("client.closed_with_an_error", error=repr(error))
