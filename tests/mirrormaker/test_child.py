"""Orders to a child: here a shell that writes down how it was started."""

import asyncio
import os
import sys

import pytest

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from mirrormaker.child import Child, UnknownClusterError

CLUSTERS = tuple(
    ClusterProperties(name=name, role="upstream", properties={"bootstrap.servers": f"{name}:1"})
    for name in ("main", "failover")
)
THERE = Direction(source="main", target="failover")
SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
END = (sys.executable, "-c", "pass")


def child(tmp_path, command=SLEEP):
    return Child(command, CLUSTERS, {}, tmp_path)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_an_order_ends_what_ran_before(tmp_path):
    mirror = child(tmp_path)
    first = await mirror.order(THERE)
    assert first.direction == THERE
    again = await mirror.order(THERE)
    assert again.pid == first.pid
    second = await mirror.order(THERE.back)
    assert second.pid != first.pid
    assert not alive(first.pid)
    assert "failover->main.enabled=true" in (tmp_path / "mm2.properties").read_text()
    nothing = await mirror.order(None)
    assert nothing.pid is None
    assert not alive(second.pid)


async def test_an_order_that_leaves_out_others_starts_it_anew(tmp_path):
    mirror = child(tmp_path)
    first = await mirror.order(THERE)
    second = await mirror.order(THERE, ("teamA",))
    assert (second.left_out, alive(first.pid)) == (("teamA",), False)
    assert (await mirror.order(THERE, ("teamA",))).pid == second.pid
    assert ",teamA.*\n" in (tmp_path / "mm2.properties").read_text()
    await mirror.close()


async def test_the_file_with_passwords_is_the_owner_s(tmp_path):
    mirror = child(tmp_path)
    await mirror.order(THERE)
    assert (tmp_path / "mm2.properties").stat().st_mode & 0o077 == 0
    await mirror.close()


async def test_a_cluster_that_is_not_described_is_refused(tmp_path):
    with pytest.raises(UnknownClusterError, match="no cluster x; there are main, failover"):
        await child(tmp_path).order(Direction(source="main", target="x"))


async def test_a_child_that_ends_is_started_again(tmp_path):
    mirror = child(tmp_path, END)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(mirror.keep_running())
        await mirror.order(THERE)
        while mirror.report().restarts == 0:  # noqa: ASYNC110 - it does not tell anybody
            await asyncio.sleep(0.02)
        await mirror.order(None)
        keeping.cancel()
