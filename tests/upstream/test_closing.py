"""Clients that do not end when they are told to."""

import asyncio
from contextlib import suppress

import pytest

from upstream import closing
from upstream.closing import close


async def test_a_client_that_cannot_even_be_cancelled_is_left_to_itself(
    monkeypatch: pytest.MonkeyPatch,
):
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def suppresses_its_cancellation() -> None:
        while not may_end.is_set():
            with suppress(asyncio.CancelledError):
                await may_end.wait()
        ended.set()

    monkeypatch.setattr(closing, "CLOSE_BUDGET_S", 0.05)
    await asyncio.wait_for(close(suppresses_its_cancellation()), 5)
    assert not ended.is_set()
    may_end.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_whoever_closes_can_be_cancelled():
    may_end = asyncio.Event()

    async def forever() -> None:
        await may_end.wait()

    closer = asyncio.ensure_future(close(forever()))
    await asyncio.sleep(0)
    closer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(closer, 5)
    may_end.set()


async def test_a_failure_keeps_no_other_from_being_closed():
    ended = asyncio.Event()

    async def fails() -> None:
        raise OSError("it is gone")

    async def ends() -> None:
        await asyncio.sleep(0.01)
        ended.set()

    await close(fails(), ends())
    assert ended.is_set()
