"""Readers of several clusters, opened when first needed and kept open."""

from contextlib import AsyncExitStack

from contract.clusters_file import ClusterProperties
from controlplane.probes.imprints import ImprintReader, imprint_reader
from controlplane.probes.reader import EndReader, end_reader
from upstream.closing import close


class Readers:
    """One of each kind for each cluster that was asked for."""

    def __init__(self, clusters: tuple[ClusterProperties, ...]) -> None:
        """Know how to reach the configured clusters; connect to none yet."""
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._open = AsyncExitStack()
        self._readers: dict[str, EndReader] = {}
        self._imprints: dict[str, ImprintReader] = {}

    async def of(self, name: str) -> EndReader:
        """The reader of a cluster's ends.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        if name not in self._readers:
            opening = end_reader(self._clusters[name])
            self._readers[name] = await self._open.enter_async_context(opening)
        return self._readers[name]

    async def imprints_of(self, name: str) -> ImprintReader:
        """The reader of a cluster's records.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        if name not in self._imprints:
            opening = imprint_reader(self._clusters[name])
            self._imprints[name] = await self._open.enter_async_context(opening)
        return self._imprints[name]

    async def close(self) -> None:
        """Close the connections; asking again opens new ones.

        A client of a cluster that has just died may never come to an end: it is left to itself.
        """
        self._readers.clear()
        self._imprints.clear()
        opened, self._open = self._open, AsyncExitStack()
        await close(opened.aclose())
