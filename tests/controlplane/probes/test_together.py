"""Two questions at once."""

import asyncio

import pytest

from controlplane.probes.describe import UnreachableError
from controlplane.probes.together import together


async def answer(what: str, ready: asyncio.Event) -> str:
    await ready.wait()
    return what


async def test_both_are_asked_before_either_has_answered():
    ready = asyncio.Event()

    async def make_ready() -> str:
        ready.set()
        return "second"

    assert await together(answer("first", ready), make_ready()) == ("first", "second")


async def test_a_failure_is_raised_as_it_is_and_ends_the_other():
    ended = asyncio.Event()

    async def waits_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        raise UnreachableError("no answer")

    with pytest.raises(UnreachableError, match="no answer"):
        await together(waits_for_ever(), fails())
    assert ended.is_set()
