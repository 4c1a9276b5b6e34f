"""Keeps the log's picture of the physical clusters up to date."""

import asyncio

import structlog

from contract.clusters_file import ClusterProperties
from controlplane.domain.commands import DecideFace, DescribeCluster
from controlplane.plane import ControlPlane
from controlplane.probes.describe import describe
from controlplane.probes.failing import LookError
from controlplane.store.event_store import Attribution

_logger = structlog.get_logger()

_BY = Attribution(actor="system:surveyor")
_AGAIN_S = 30.0
_RETRY_S = 1.0


async def survey(plane: ControlPlane) -> None:
    """Describe every configured cluster, for ever; soon again where one did not answer."""
    while True:
        answered = [await _survey_one(plane, cluster) for cluster in plane.settings.clusters]
        await plane.ledger.carry_out(
            DecideFace(
                clusters=tuple(cluster.name for cluster in plane.settings.clusters),
                scope=plane.settings.scope,
            ),
            _BY,
        )
        await asyncio.sleep(_AGAIN_S if all(answered) else _RETRY_S)


async def _survey_one(plane: ControlPlane, cluster: ClusterProperties) -> bool:
    try:
        found = await describe(cluster)
    except LookError as error:
        _logger.warning("cluster.unreachable", cluster=cluster.name, detail=str(error))
        return False
    await plane.ledger.carry_out(
        DescribeCluster(
            name=cluster.name,
            role=cluster.role,
            cluster_id=found.cluster_id,
            brokers=found.brokers,
            api_versions=found.api_versions,
        ),
        _BY,
    )
    return True
