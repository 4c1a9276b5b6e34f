"""Where the logs of two real clusters begin."""

import pytest
from aiokafka import TopicPartition

from controlplane.probes.parity.beginnings import ClusterReaders, Known, surplus_before
from controlplane.probes.readers import Readers
from tests.controlplane.probes.clusters import cluster, create, write

pytestmark = pytest.mark.environment


class Watched:
    """Reads records, and counts how often."""

    def __init__(self, reader):
        self._reader = reader
        self.reads = 0

    def __getattr__(self, name):
        return getattr(self._reader, name)

    async def read(self, ranges):
        self.reads += bool(ranges)
        return await self._reader.read(ranges)


async def test_what_is_not_there_is_looked_for_again_once_something_has_come(clusters, unique_name):
    """Looking for it may mean to read whole logs: those of a topic whose copies came apart."""
    await create(clusters.main, unique_name)
    await create(clusters.failover, unique_name)
    await write(clusters.failover, unique_name, b"other", b"more")
    await write(clusters.main, unique_name, b"first")
    both = cluster("main", clusters.main), cluster("failover", clusters.failover)
    readers, known = Readers(both), dict[TopicPartition, Known]()
    partitions = [TopicPartition(unique_name, 0)]
    try:
        source, target = [
            ClusterReaders(await readers.of(one.name), Watched(await readers.imprints_of(one.name)))
            for one in both
        ]
        assert await surplus_before(source, target, partitions, (), known) == {}
        read = target.records.reads
        assert await surplus_before(source, target, partitions, (), known) == {}
        assert target.records.reads == read
        await write(clusters.failover, unique_name, b"first")
        assert await surplus_before(source, target, partitions, (), known) == {partitions[0]: 2}
    finally:
        await readers.close()
