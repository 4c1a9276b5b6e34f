"""Two clusters are compared while a mirror copies from one to the other."""

from aiokafka import TopicPartition

from controlplane.domain.replica import Placed
from controlplane.probes.divergence import find_divergence

PARTITION = TopicPartition("orders", 0)


class MovingClusters:
    """A record comes to both clusters between any two looks at their records."""

    def __init__(self) -> None:
        self.records = 0

    def look(self) -> list[Placed]:
        found = [Placed(offset, b"%d" % offset) for offset in range(self.records)]
        self.records += 1
        return found


class Reader:
    def __init__(self, clusters: MovingClusters) -> None:
        self.clusters = clusters

    async def partitions(self, topics):
        return [PARTITION] if PARTITION.topic in topics else []

    async def begins(self, partitions):
        return dict.fromkeys(partitions, 0)

    async def ends(self, partitions):
        return dict.fromkeys(partitions, self.clusters.records)

    async def placed(self, partition, begin):
        assert partition == PARTITION
        return [record for record in self.clusters.look() if record.offset >= begin]


async def test_what_is_mirrored_while_it_looks_is_not_only_on_the_other_cluster():
    clusters = MovingClusters()
    serving, other = Reader(clusters), Reader(clusters)
    (found,) = await find_divergence(serving, other, ["orders"], ({}, {}))
    assert found.on_other.count == 0
    assert found.on_serving.count == 1
