"""The watch over replicas goes on, whatever becomes of a look."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from controlplane.coordinator import watching
from controlplane.domain.replica import Watched
from controlplane.probes.describe import UnreachableError
from controlplane.store.watches import Pair

PAIR = Pair(scope="main", from_cluster="main", to_cluster="failover")


def a_plane() -> Any:
    async def keep(*_: Any) -> None:
        pass

    return SimpleNamespace(
        settings=SimpleNamespace(clusters=()),
        not_watched={},
        watches=SimpleNamespace(keep=keep),
    )


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

    monkeypatch.setattr(watching, "_look", look)
    monkeypatch.setattr(watching, "_pairs", lambda _: [PAIR])
    monkeypatch.setattr(watching, "LOOK_BUDGET_S", 0.02)
    monkeypatch.setattr(watching, "_RETRY_S", 0.01)
    with pytest.raises(EnoughError):
        await asyncio.wait_for(watching.watch_replicas(a_plane()), 5)


async def test_one_that_cannot_be_looked_at_does_not_stop_the_watch_over_another(
    monkeypatch: pytest.MonkeyPatch,
):
    plane, other = a_plane(), replace(PAIR, to_cluster="third")
    looks = {PAIR: 0, other: 0}

    async def look(_plane: Any, _readers: Any, pair: Pair, *_: Any) -> None:
        looks[pair] += 1
        if pair == PAIR and looks[pair] <= 3:
            raise UnreachableError("it is gone")
        if looks[pair] == 3:
            assert plane.not_watched == {PAIR: "it is gone"}
        if looks[pair] > 4:
            raise EnoughError

    monkeypatch.setattr(watching, "_look", look)
    monkeypatch.setattr(watching, "_pairs", lambda _: [PAIR, other])
    monkeypatch.setattr(watching, "_AGAIN_S", 0.01)
    monkeypatch.setattr(watching, "_RETRY_S", 0.01)
    with structlog.testing.capture_logs() as logs, pytest.raises(EnoughError):
        await asyncio.wait_for(watching.watch_replicas(plane), 5)
    assert looks == {PAIR: 5, other: 4}
    told = [(log["event"], log["log_level"], log["to_cluster"]) for log in logs]
    assert told == [
        ("replica.not_watched", "warning", "failover"),
        ("replica.watched_again", "warning", "failover"),
    ], "when it begins and when it ends, and not at every beat"


def test_looks_take_a_share_of_the_time_and_are_not_far_apart():
    assert watching.pause_after(0.1) == 2.0
    assert watching.pause_after(1.0) == 3.0
    assert watching.pause_after(30.0) == 8.0


async def test_that_a_look_takes_long_to_keep_is_not_taken_for_the_clusters_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Watched(seen_at=datetime(2026, 1, 1, tzinfo=UTC), marks=())
    kept = []

    async def look(*_: Any) -> Watched:
        return seen

    async def keep(_pair: Pair, watched: Watched) -> None:
        await asyncio.sleep(0.05)
        kept.append(watched)

    async def losses(*_: Any) -> tuple[()]:
        return ()

    async def reader(_: str) -> None:
        return None

    monkeypatch.setattr(watching, "_look", look)
    monkeypatch.setattr(watching, "losses", losses)
    monkeypatch.setattr(watching, "_DEAD_AFTER_S", 0.02)
    plane = a_plane()
    plane.watches.keep = keep
    readers: Any = SimpleNamespace(of=reader)
    found = await watching.find_losses(plane, readers, PAIR, keep=True)
    assert (found.answered, kept) == (True, [seen])
