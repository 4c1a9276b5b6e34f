"""Carries out a switch's probes, with connections that stay open for as long as the switch does."""

import asyncio
from contextlib import AsyncExitStack
from typing import Literal

from contract.records import TopicAlias, TopicMapping, VirtualCluster
from controlplane.coordinator.memory import Memory
from controlplane.domain.switch.state import Switch
from controlplane.plane import ControlPlane
from controlplane.probes.describe import UnreachableError
from controlplane.probes.mirror import compare, sweep
from controlplane.probes.preflight import preflight
from controlplane.probes.reader import EndReader, end_reader

_KEPT_SWEEPS = 200
_PAUSE_S = 0.05
"""Between two looks at the same thing."""


class Prober:
    """Looks at the two clusters of one switch."""

    def __init__(self, plane: ControlPlane, switch: Switch, memory: Memory) -> None:
        self._plane = plane
        self._switch = switch
        self._memory = memory
        self._open = AsyncExitStack()
        self._readers: dict[str, EndReader] = {}

    async def close(self) -> None:
        """Close the connections."""
        self._readers.clear()
        await self._open.aclose()

    async def probe(self, what: Literal["preflight", "sweep", "mirror"]) -> None:
        """Look, and remember what was found."""
        try:
            await getattr(self, f"_{what}")()
            self._memory.probe_error = None
        except UnreachableError as error:
            self._memory.probe_error = str(error)
            await self.close()
        await asyncio.sleep(_PAUSE_S)

    async def _preflight(self) -> None:
        clusters = {cluster.name: cluster for cluster in self._plane.settings.clusters}
        # What is forced may well be so because the old cluster is gone.
        source = clusters.get(self._switch.from_cluster) if self._switch.mode == "planned" else None
        known = self._plane.ledger.facts.cluster(self._switch.to_cluster)
        self._memory.preflight = await preflight(source, clusters[self._switch.to_cluster], known)

    async def _sweep(self) -> None:
        source = await self._reader(self._switch.from_cluster)
        taken = await sweep(source, self._topics())
        self._memory.sweeps = (*self._memory.sweeps, taken)[-_KEPT_SWEEPS:]

    async def _mirror(self) -> None:
        source = await self._reader(self._switch.from_cluster)
        target = await self._reader(self._switch.to_cluster)
        self._memory.mirror = await compare(source, target, self._topics())

    async def _reader(self, name: str) -> EndReader:
        if name not in self._readers:
            clusters = {cluster.name: cluster for cluster in self._plane.settings.clusters}
            self._readers[name] = await self._open.enter_async_context(end_reader(clusters[name]))
        return self._readers[name]

    def _topics(self) -> frozenset[str]:
        control = self._plane.ledger.facts.control
        tenants = {v.name for v in control.of(VirtualCluster) if v.scope == self._switch.scope}
        topics: list[TopicMapping | TopicAlias] = [
            *control.of(TopicMapping),
            *control.of(TopicAlias),
        ]
        return frozenset(t.physical for t in topics if t.vcluster in tenants)
