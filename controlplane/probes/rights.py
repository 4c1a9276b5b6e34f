"""Asks a cluster what we may do there."""

from collections.abc import Collection

from kio.schema.errors import ErrorCode
from kio.schema.metadata.v9.request import MetadataRequest, MetadataRequestTopic
from kio.schema.types import TopicName

from contract.clusters_file import ClusterProperties
from controlplane.domain.switch.rights import Rights
from controlplane.probes.asking import asking


async def rights_on(cluster: ClusterProperties, topics: Collection[str]) -> Rights:
    """What we may do on a cluster, and to those of the topics that it shows us.

    Raises:
        UnreachableError: it does not answer, or not in time.
    """
    request = MetadataRequest(
        topics=tuple(MetadataRequestTopic(name=TopicName(name)) for name in sorted(topics)),
        allow_auto_topic_creation=False,
        include_cluster_authorized_operations=True,
        include_topic_authorized_operations=True,
    )
    async with asking(cluster, "did not tell what we may do") as asked:
        (found,) = await asked.ask_any(request)
    return Rights(
        cluster=found.cluster_authorized_operations,
        topics={
            topic.name: _allowed(topic.error_code, topic.topic_authorized_operations)
            for topic in found.topics
            if topic.error_code in _TELLING
        },
    )


_TELLING = {ErrorCode.none, ErrorCode.topic_authorization_failed}


def _allowed(error: ErrorCode, operations: int) -> int:
    return operations if error is ErrorCode.none else 0
