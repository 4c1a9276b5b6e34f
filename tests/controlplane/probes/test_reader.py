"""What is read of one cluster, and what is left behind for the next question."""

import pytest

from controlplane.probes.reader import end_reader
from tests.controlplane.probes.clusters import cluster, create, write


@pytest.mark.environment
async def test_nothing_is_fetched_once_an_answer_is_there(clusters, unique_name):
    await create(clusters.main, unique_name, partitions=2)
    await write(clusters.main, unique_name, b"tom", b"laura")
    async with end_reader(cluster("main", clusters.main)) as reader:
        partitions = await reader.partitions([unique_name])
        one, other = partitions
        assert await reader.ends(partitions) == {one: 2, other: 0}
        tails, _ = await reader.tails(partitions)
        assert (tails[one] is None, tails[other] is None) == (False, True)
        rows, _ = await reader.last(dict.fromkeys(partitions, 10))
        assert (len(rows[one].placed), len(rows[other].placed)) == (2, 0)
        assert len(await reader.placed(one, 1)) == 1


@pytest.mark.environment
async def test_partitions_that_come_later_are_known(clusters, unique_name):
    await create(clusters.main, unique_name)
    async with end_reader(cluster("main", clusters.main)) as reader:
        (first,) = await reader.partitions([unique_name])
        await write(clusters.main, unique_name, b"tom")
        assert await reader.ends([first]) == {first: 1}
        await create(clusters.main, f"{unique_name}-later")
        both = await reader.partitions([unique_name, f"{unique_name}-later"])
        assert await reader.ends(both) == {first: 1, both[1]: 0}
        assert await reader.committed_ends([first]) == {first: 1}
        assert await reader.ends([first]) == {first: 1}
