"""The cluster that serves: whom to ask what there is."""

from contract.clusters_file import ClusterProperties
from controlplane.domain.refusal import Unavailable
from controlplane.plane import ControlPlane


def serving_cluster(plane: ControlPlane, scope: str) -> ClusterProperties:
    """The one that serves a scope now. Raises Unavailable if it is not configured."""
    routing = plane.ledger.facts.routing(scope)
    for cluster in plane.settings.clusters:
        if routing is not None and cluster.name == routing.cluster:
            return cluster
    raise Unavailable(f"no configured cluster serves scope {scope}")
