"""Where the brokers of the physical clusters are: asked from each cluster, and asked again."""

import asyncio

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from dataplane.cancellation import heed_cancellation
from upstream.access import access_to

REFRESH = 30.0
"""Seconds between two looks at clusters that answer."""

RETRY = 1.0
"""Seconds between two looks at a cluster that does not."""

log = structlog.get_logger()


class Topology:
    """Addresses of brokers, by cluster and broker id."""

    def __init__(self, clusters: tuple[ClusterProperties, ...]) -> None:
        """Know the clusters of `clusters.yaml`, and none of their brokers yet."""
        self._clusters = clusters
        self._brokers: dict[str, dict[int, tuple[str, int]]] = {c.name: {} for c in clusters}
        self._problems: dict[str, str] = {}
        self._look_again = {c.name: asyncio.Event() for c in clusters}

    def addresses(self, cluster: str, first: int) -> list[tuple[str, int]]:
        """Host and port of a cluster's brokers, the one with the id `first` in front."""
        brokers = self._brokers.get(cluster, {})
        ordered = sorted(brokers, key=lambda broker: (broker != first, broker))
        return [brokers[broker] for broker in ordered]

    def problem(self, cluster: str) -> str:
        """Why a cluster could not be asked for its brokers; empty if it could."""
        return self._problems.get(cluster, "")

    def doubt(self, cluster: str) -> None:
        """An address did not answer: look again."""
        if cluster in self._look_again:
            self._look_again[cluster].set()

    async def run(self) -> None:
        """Keep the addresses fresh until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for cluster in self._clusters:
                tasks.create_task(self._watch(cluster))

    async def _watch(self, cluster: ClusterProperties) -> None:
        again = self._look_again[cluster.name]
        reachable = True
        while True:
            try:
                self._brokers[cluster.name] = await ask_brokers(cluster)
                if not reachable:
                    log.info("cluster answers again", cluster=cluster.name)
                reachable = True
                self._problems.pop(cluster.name, None)
            except (KafkaError, OSError) as error:
                reason = await access_to(cluster).refusal() or repr(error)
                if reachable or reason != self._problems.get(cluster.name):
                    log.warning("cluster does not answer", cluster=cluster.name, error=reason)
                self._problems[cluster.name] = reason
                reachable = False
            heed_cancellation()
            await asyncio.sleep(RETRY)
            again.clear()
            if reachable:
                try:
                    async with asyncio.timeout(REFRESH):
                        await again.wait()
                except TimeoutError:
                    continue


async def ask_brokers(cluster: ClusterProperties) -> dict[int, tuple[str, int]]:
    """Ask a cluster for its brokers.

    Raises:
        KafkaError: no bootstrap server answers.
    """
    client = AIOKafkaClient(**access_to(cluster).client_options())
    try:
        await client.bootstrap()
        return {b.nodeId: (b.host, b.port) for b in client.cluster.brokers()}
    finally:
        await client.close()
