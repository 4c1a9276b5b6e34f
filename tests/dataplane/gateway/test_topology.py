"""The address book of brokers."""

import asyncio

import pytest

from contract.clusters_file import ClusterProperties
from dataplane.gateway import topology


async def test_it_ends_even_if_the_library_swallows_the_cancellation(
    monkeypatch: pytest.MonkeyPatch,
):
    asked = asyncio.Event()

    async def swallow(cluster: ClusterProperties) -> dict[int, tuple[str, int]]:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {}
        raise AssertionError

    monkeypatch.setattr(topology, "ask_brokers", swallow)
    cluster = ClusterProperties(
        name="main", role="upstream", properties={"bootstrap.servers": "localhost:1"}
    )
    watching = asyncio.ensure_future(topology.Topology((cluster,)).run())
    await asked.wait()
    watching.cancel()
    done, _ = await asyncio.wait([watching], timeout=5)
    assert done
    assert watching.cancelled()
