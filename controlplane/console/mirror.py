"""`/console/mirror`: which way records are copied, and what has not arrived."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from controlplane.api.own.mirror import mirror_view
from controlplane.console.outlook import Outlooks
from controlplane.console.rendering import page
from controlplane.plane import ControlPlane

_PATIENCE_S = 10.0


@get("/console/mirror")
async def mirror(
    request: Request[Any, Any, Any],
    plane: NamedDependency[ControlPlane],
    outlooks: NamedDependency[Outlooks],
) -> Template:
    """The mirror, and what the other cluster lacks by partition."""
    return page(
        request,
        "mirror.html",
        mirror=await mirror_view(plane),
        outlook=await outlooks.fresh(_PATIENCE_S),
        sightings=plane.mirror_seen,
        leading=plane.leading,
    )
