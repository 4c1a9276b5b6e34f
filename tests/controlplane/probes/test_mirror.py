"""When a mirror counts as complete: judged by the tails of its partitions."""

import asyncio

import pytest

from controlplane.domain.switch.state import Cut
from controlplane.probes.mirror import compare, sweep
from controlplane.probes.reader import end_reader
from controlplane.probes.taking import LastRecord, Tail
from tests.controlplane.probes.clusters import cluster, create, write


@pytest.mark.environment
async def test_two_clusters_are_compared_by_what_stands_last(clusters, unique_name):
    main, failover = clusters.main, clusters.failover
    await create(main, unique_name, partitions=2)
    async with (
        end_reader(cluster("main", main)) as source,
        end_reader(cluster("failover", failover)) as target,
    ):

        async def behind() -> tuple[str, ...]:
            return (await compare(source, target, [unique_name])).behind

        assert await behind() == (f"{unique_name}-0", f"{unique_name}-1")
        await create(failover, unique_name, partitions=2)
        assert await behind() == ()
        await write(main, unique_name, b"tom", *[b"laura"] * 150)
        assert await behind() == (f"{unique_name}-0",)
        await write(failover, unique_name, b"tom", *[b"laura"] * 149)
        assert await behind() == (f"{unique_name}-0",)
        await write(failover, unique_name, b"laura")
        assert await behind() == ()
        cut = (await compare(source, target, [unique_name])).cut
        ends = ((f"{unique_name}-0", 151), (f"{unique_name}-1", 0))
        assert cut == Cut(source=ends, target=ends)
        known = [f"{unique_name}-1", f"{unique_name}-2"]
        lacking = await compare(source, target, [unique_name], known=known)
        assert (lacking.gone, lacking.behind, lacking.cut) == ((known[1],), (known[1],), None)


@pytest.mark.environment
async def test_transaction_markers_are_not_records(clusters, unique_name):
    await create(clusters.main, unique_name)
    await write(clusters.main, unique_name, b"tom", b"laura", transactional_id=unique_name)
    async with end_reader(cluster("main", clusters.main)) as reader:
        partitions = await reader.partitions([unique_name])
        # A commit is answered before its markers are written.
        while await reader.committed_ends(partitions) != await reader.ends(partitions):  # noqa: ASYNC110 - the broker says it to who asks
            await asyncio.sleep(0.05)
        (tail,) = (await reader.tails(partitions)).found.values()
        assert tail == Tail(LastRecord(1000, None, b"laura", ()), 1)
        swept = await sweep(reader, [unique_name])
        assert swept.ends == ((f"{unique_name}-0", 3),)
