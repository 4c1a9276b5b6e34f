"""Readers of clusters that die."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from controlplane.probes import readers
from upstream import closing


async def test_a_client_that_never_ends_is_left_to_itself(monkeypatch: pytest.MonkeyPatch):
    opened = []

    @asynccontextmanager
    async def never_ends(cluster):
        opened.append(cluster.name)
        yield cluster
        await asyncio.Event().wait()

    monkeypatch.setattr(readers, "end_reader", never_ends)
    monkeypatch.setattr(closing, "CLOSE_BUDGET_S", 0.05)
    known = readers.Readers((SimpleNamespace(name="main"),))
    await known.of("main")
    await asyncio.wait_for(known.close(), 5)
    await known.of("main")
    assert opened == ["main", "main"]
