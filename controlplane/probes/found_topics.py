"""Reads what topics of a virtual cluster are like on the cluster that serves it."""

from collections.abc import Mapping

from contract.clusters_file import ClusterProperties
from contract.names import physical_name
from controlplane.domain.commands import FoundTopic
from controlplane.probes.asking import asking
from controlplane.probes.layout import layout_of
from controlplane.probes.parity.configs import TopicStateReader


async def topics_there(cluster: ClusterProperties) -> dict[str, int]:
    """All topics of a cluster, and how many partitions each has.

    Raises:
        LookError: it does not answer.
    """
    async with asking(cluster, "did not tell its topics") as asked:
        layout = await layout_of(asked, None)
        return {name: len(topic.leaders) for name, topic in layout.topics.items()}


async def found_topics(
    cluster: ClusterProperties, vcluster: str, topics: Mapping[str, int | None]
) -> tuple[FoundTopic, ...]:
    """Those of the topics that the cluster has.

    Args:
        cluster: the one that serves.
        vcluster: whose topics they are.
        topics: their logical names, and how many events there were of each.

    Raises:
        LookError: it does not answer.
    """
    by_physical = {physical_name(vcluster, logical): logical for logical in topics}
    async with asking(cluster, "did not tell what its topics are like") as asked:
        layout = await layout_of(asked, by_physical)
        states = await TopicStateReader().read(asked, layout, by_physical)
    return tuple(
        FoundTopic(
            logical=by_physical[physical],
            partitions=state.partitions,
            replication_factor=state.replicas,
            configs={
                name: config.value
                for name, config in state.configs.items()
                if config.own and config.value is not None
            },
            version=topics[by_physical[physical]],
        )
        for physical, state in states.items()
    )
