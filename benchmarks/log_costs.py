"""What one thing costs on a long log: `python benchmarks/log_costs.py start|keep|verify|pages URL`.

Prints one line of JSON, with processor time, time passed and memory of this process.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.log_filling import SECONDS_APART, START
from controlplane.api.own.schemas import event_view
from controlplane.domain.snapshot import sealed, taken
from controlplane.ledger import Ledger
from controlplane.snapshot_keeper import SnapshotKeeper
from controlplane.store.chain import verify
from controlplane.store.database import open_engine
from controlplane.store.event_search import Search
from controlplane.store.event_store import EventStore
from controlplane.store.snapshots import Snapshots

KEY = bytes(32)
ROUNDS = 5


async def start(engine: AsyncEngine) -> dict[str, Any]:
    """A control plane that starts, up to where it knows the log."""
    ledger = await Ledger.open(EventStore(engine), SnapshotKeeper(Snapshots(engine), KEY))
    return {"seq": ledger.facts.seq}


async def keep(engine: AsyncEngine) -> dict[str, Any]:
    """The leader keeps a snapshot: a copy is made on its loop, and the rest on a thread."""
    keeper = SnapshotKeeper(Snapshots(engine), KEY)
    ledger = await Ledger.open(EventStore(engine), keeper)
    began = time.process_time()
    snapshot = taken(ledger.facts)
    copied = time.process_time()
    content = sealed(snapshot, b"", KEY).content
    sealed_at = time.process_time()
    await keeper.keep(ledger.facts, bytes.fromhex(ledger.head().hash))
    return {"copy_s": copied - began, "seal_s": sealed_at - copied, "bytes": len(content)}


async def walk(engine: AsyncEngine) -> dict[str, Any]:
    """As `interlock audit verify` does it."""
    verdict = await verify(engine)
    if verdict.first_bad is not None:
        sys.exit(f"event {verdict.first_bad} does not continue the chain")
    return {}


async def pages(engine: AsyncEngine) -> dict[str, Any]:
    """Pages of a thousand events; of each the cheapest of some rounds."""
    store = EventStore(engine)
    end = (await store.head()).seq
    middle = START + timedelta(seconds=end // 2 * SECONDS_APART)
    asked = {
        "the first": Search(),
        "the last": Search(after=end - 1000),
        "of one kind, from the middle": Search(after=end // 2, kind="switch"),
        "since a time in the middle": Search(since=middle),
        "within a day in the middle": Search(since=middle, before=middle + timedelta(days=1)),
        "of somebody who did nothing": Search(actor="user:nobody"),
    }
    return {"pages": {name: await _page(store, wanted) for name, wanted in asked.items()}}


async def _page(store: EventStore, wanted: Search) -> tuple[float, float, int]:
    rounds = []
    for _ in range(ROUNDS):
        began, wall = time.process_time(), time.monotonic()
        shown = [event_view(recorded) for recorded in await store.search(wanted)]
        msgspec.json.encode(shown)
        rounds.append((time.process_time() - began, time.monotonic() - wall, len(shown)))
    return min(rounds)


COSTS: dict[str, Callable[[AsyncEngine], Awaitable[dict[str, Any]]]] = {
    "start": start,
    "keep": keep,
    "verify": walk,
    "pages": pages,
}


async def measured(what: str, url: str) -> dict[str, Any]:
    engine = open_engine(url)
    began, wall = time.process_time(), time.monotonic()
    found = await COSTS[what](engine)
    usage = {
        "cpu_s": time.process_time() - began,
        "wall_s": time.monotonic() - wall,
        "mib": most_resident_mib(),
    }
    await engine.dispose()
    return found | usage


def most_resident_mib() -> float:
    """Of this program alone; what `getrusage` tells begins with that of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(sys.argv[1], sys.argv[2]))))
