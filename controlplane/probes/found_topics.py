"""Reads what is there under a virtual cluster's name, and what its topics are like."""

from collections.abc import Mapping
from typing import NamedTuple

from contract.clusters_file import ClusterProperties
from contract.names import physical_name
from controlplane.domain.commands import FoundTopic
from controlplane.probes.asking import asking
from controlplane.probes.groups import groups_of
from controlplane.probes.layout import Layout, layout_of
from controlplane.probes.parity.configs import TopicStateReader


async def topics_there(cluster: ClusterProperties) -> dict[str, int]:
    """All topics of a cluster, and how many partitions each has.

    Raises:
        LookError: it does not answer.
    """
    async with asking(cluster, "did not tell its topics") as asked:
        return _partitions(await layout_of(asked, None))


def _partitions(layout: Layout) -> dict[str, int]:
    """How many each topic has."""
    return {name: len(topic.leaders) for name, topic in layout.topics.items()}


class Existing(NamedTuple):
    """What of a cluster begins with a name."""

    topics: dict[str, int]
    """And how many partitions each has."""
    groups: list[str]


async def existing_under(cluster: ClusterProperties, prefix: str) -> Existing:
    """The topics and groups of a cluster that begin with a prefix.

    Raises:
        LookError: it does not answer.
    """
    async with asking(cluster, "did not tell its topics and groups") as asked:
        there = _partitions(await layout_of(asked, None))
        groups = await groups_of(asked, lambda group: group.startswith(prefix))
    topics = {name: count for name, count in there.items() if name.startswith(prefix)}
    return Existing(topics, groups)


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
