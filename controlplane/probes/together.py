"""Asks several at once, where one answer does not depend on another."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


async def together(
    first: Coroutine[Any, Any, _A], second: Coroutine[Any, Any, _B]
) -> tuple[_A, _B]:
    """Both answers; the first failure ends the other, and is raised as if it were alone."""
    try:
        async with asyncio.TaskGroup() as asking:
            one, other = asking.create_task(first), asking.create_task(second)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return one.result(), other.result()
