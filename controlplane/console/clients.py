"""`/console/clients`: who uses the gateway, and with which library."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import Template

from controlplane.api.own.clients import clients_of
from controlplane.console.rendering import page
from controlplane.plane import ControlPlane


@get("/console/clients")
async def list_clients(
    request: Request[Any, Any, Any], plane: NamedDependency[ControlPlane]
) -> Template:
    """Those of the last day."""
    found = await clients_of(plane, None)
    return page(request, "clients.html", clients=found.items, further=found.further)
