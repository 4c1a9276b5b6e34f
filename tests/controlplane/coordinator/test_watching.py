"""The watch over replicas goes on, whatever becomes of a look."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from controlplane.coordinator import watching
from controlplane.probes.describe import UnreachableError


class EnoughError(Exception):
    """The test has seen what it wants to see."""


async def test_a_look_that_never_ends_or_fails_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
):
    looks = iter(["fails", "never ends", "fails", "never ends", "is enough"])

    async def look(*_: Any) -> None:
        match next(looks):
            case "fails":
                raise UnreachableError("it is gone")
            case "never ends":
                await asyncio.Event().wait()
            case _:
                raise EnoughError

    monkeypatch.setattr(watching, "_watch_one", look)
    monkeypatch.setattr(watching, "_pairs", lambda _: ["a pair"])
    monkeypatch.setattr(watching, "LOOK_BUDGET_S", 0.02)
    monkeypatch.setattr(watching, "_RETRY_S", 0.01)
    plane: Any = SimpleNamespace(settings=SimpleNamespace(clusters=()))
    with pytest.raises(EnoughError):
        await asyncio.wait_for(watching.watch_replicas(plane), 5)
