"""What is looked at before anything is fenced."""

import asyncio

from contract.clusters_file import ClusterProperties
from contract.records import Cluster, Face
from controlplane.domain.physical import versions_check
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.view import Preflight
from controlplane.probes.describe import Description, describe
from controlplane.probes.failing import LookError

_BUDGET_S = 8.0


async def preflight(
    source: ClusterProperties | None,
    target: ClusterProperties,
    known: Cluster | None,
    face: Face | None,
) -> Preflight:
    """Whether the target, and the source if it matters, can be reached and are what they were.

    Args:
        source: the cluster that serves; None if it may be gone.
        target: the one that is to serve.
        known: what the target was when it was described.
        face: what clients see.
    """
    checks = [_reachable("target_reachable", target)]
    if source is not None:
        checks.append(_reachable("source_reachable", source))
    found = await asyncio.gather(*checks)
    description = found[0][1]
    made = [check for check, _ in found]
    if description is not None and known is not None:
        made.append(_same(target, known, description))
    if description is not None and face is not None:
        offered, forced = description.api_versions, source is None
        made.append(versions_check(target.name, face, offered, forced=forced))
    return Preflight(checks=tuple(made))


async def _reachable(name: str, cluster: ClusterProperties) -> tuple[Check, Description | None]:
    try:
        async with asyncio.timeout(_BUDGET_S):
            found = await describe(cluster)
    except LookError as error:
        return Check(name=name, passed=False, detail=str(error)), None
    except TimeoutError:
        detail = f"cluster {cluster.name} at {cluster.bootstrap_servers} does not answer in time"
        return Check(name=name, passed=False, detail=detail), None
    detail = f"{cluster.name} has {len(found.brokers)} brokers"
    return Check(name=name, passed=True, detail=detail), found


def _same(target: ClusterProperties, known: Cluster, found: Description) -> Check:
    same = known.cluster_id == found.cluster_id
    detail = f"{target.name} is cluster {found.cluster_id}"
    if not same:
        detail += f", but was {known.cluster_id}: another cluster answers at its address"
    return Check(name="target_identity", passed=same, detail=detail)
