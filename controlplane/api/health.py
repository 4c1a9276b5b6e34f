"""Liveness, readiness."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from contract.records import Cluster
from controlplane.plane import ControlPlane


@get(["/health/live", "/health"], tags=["Health"])
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "UP"}


@get("/health/ready", tags=["Health"])
async def ready(plane: NamedDependency[ControlPlane]) -> Response[dict[str, Any]]:
    """The database answers with all that is known, and every cluster was seen at least once."""
    await plane.ledger.catch_up()
    facts = plane.ledger.facts
    seen = {cluster.name for cluster in facts.control.of(Cluster)}
    missing = sorted(
        cluster.name for cluster in plane.settings.clusters if cluster.name not in seen
    )
    objection = plane.ledger.objection
    waiting = facts.routing(plane.settings.scope) is None or objection is not None
    return Response(
        {
            "status": "NOTREADY" if waiting else "READY",
            "leading": plane.leading,
            "seq": facts.seq,
            "clustersNeverReached": missing,
            "objection": objection,
        },
        status_code=503 if waiting else 200,
    )
