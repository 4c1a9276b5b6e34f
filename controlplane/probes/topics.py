"""Which of some topics a physical cluster has, and how large they are. Creates none by asking."""

from collections.abc import Collection

import msgspec
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.probes.connection import admin_client
from controlplane.probes.describe import failed


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A topic's."""

    partitions: int
    replication_factor: int


async def find_topics(cluster: ClusterProperties, names: Collection[str]) -> dict[str, Size]:
    """Those of the topics that the cluster has.

    Raises:
        UnreachableError: it does not answer.
    """
    try:
        async with admin_client(cluster) as admin:
            # All are asked for: a broker may create a topic that is asked for by name.
            described = await admin.describe_topics()
    except (KafkaError, OSError, TimeoutError) as error:
        raise await failed(cluster, error) from error
    return {
        topic["topic"]: Size(
            partitions=len(topic["partitions"]),
            replication_factor=len(topic["partitions"][0]["replicas"]),
        )
        for topic in described
        if topic["topic"] in names and topic["partitions"]
    }
