"""What a replica is seen to hold, on two real clusters."""

import pytest

from controlplane.domain.numbering.runs import Run
from controlplane.domain.replica import Loss, Watched
from controlplane.probes import replica as replica_module
from controlplane.probes.reader import EndReader, end_reader
from controlplane.probes.replica import losses, watch
from controlplane.probes.rows import ROW, newest_rows
from tests.controlplane.probes.clusters import cluster, create, write

pytestmark = pytest.mark.environment

COPIED = 40
"""Records that the mirror has brought over so far; all others are more than a look reads."""
VALUES = [b"%d" % number for number in range(COPIED + ROW + 10)]


async def lost(replica: EndReader, watched: Watched) -> int:
    """The first offset that would be told to be missing."""
    (loss,) = await losses(replica, watched)
    return loss.first


async def test_a_replica_that_is_far_behind_is_known_by_its_first_records(clusters, unique_name):
    topics = [unique_name]
    await create(clusters.main, unique_name)
    await create(clusters.failover, unique_name)
    await write(clusters.main, unique_name, *VALUES)
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as replica,
    ):
        empty = await watch(source, replica, await source.partitions(topics), None)
        everything = Loss(partition=f"{unique_name}-0", first=0, seen_end=len(VALUES))
        assert await losses(replica, empty) == (everything,)
        await write(clusters.failover, unique_name, *VALUES[:COPIED])
        assert await lost(replica, empty) == COPIED
        # Who did not see it empty cannot know that nobody else writes there.
        assert (
            await lost(replica, await watch(source, replica, await source.partitions(topics), None))
            == 0
        )
        filled = await watch(
            source, replica, await source.partitions(topics), None, filled_by_the_mirror=topics
        )
        assert await lost(replica, filled) == COPIED
        await write(clusters.failover, unique_name, *VALUES[COPIED:])
        assert await lost(replica, filled) == len(VALUES)


async def test_its_first_records_say_nothing_if_they_are_not_the_sources(clusters, unique_name):
    topics = [unique_name]
    await create(clusters.main, unique_name)
    await create(clusters.failover, unique_name)
    await write(clusters.main, unique_name, *VALUES)
    await write(clusters.failover, unique_name, b"foreign", *VALUES[:COPIED])
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as replica,
    ):
        seen = await watch(
            source, replica, await source.partitions(topics), None, filled_by_the_mirror=topics
        )
        assert await lost(replica, seen) == 0


async def test_a_log_that_grows_while_it_is_looked_at_is_not_taken_for_read_from_its_beginning(
    clusters, unique_name, monkeypatch
):
    """Its first record had no number after a switch: consumers that began there missed it."""
    values = [b"%d" % number for number in range(ROW)]
    for bootstrap in (clusters.main, clusters.failover):
        await create(bootstrap, unique_name)
        await write(bootstrap, unique_name, *values)
    async with (
        end_reader(cluster("main", clusters.main)) as source,
        end_reader(cluster("failover", clusters.failover)) as replica,
    ):

        async def grow_and_read(*wanted):
            for bootstrap in (clusters.main, clusters.failover):
                await write(bootstrap, unique_name, b"one more")
            return await newest_rows(*wanted)

        monkeypatch.setattr(replica_module, "newest_rows", grow_and_read)
        (mark,) = (await watch(source, replica, await source.partitions([unique_name]), None)).marks
    assert mark.source_end == ROW, "as it was before"
    assert mark.runs == (Run(1, 1, ROW, whole=False),)
