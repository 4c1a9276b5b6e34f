"""The supervisor's HTTP interface: one resource, for control planes only."""

import hmac
from typing import Any

import msgspec
from litestar import Litestar, Request, Router, get, put
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from contract.json_errors import UNREADABLE
from contract.mirror import PATH, MirrorOrder, MirrorReport
from mirrormaker.child import Child, UnknownClusterError


@get("/health/live")
async def live() -> dict[str, str]:
    """The supervisor answers; whether MirrorMaker 2 does, control planes look themselves."""
    return {"status": "UP"}


@get(PATH)
async def show(child: NamedDependency[Child]) -> MirrorReport:
    """How MirrorMaker 2 stands."""
    return child.report()


@put(PATH)
async def order(request: Request[Any, Any, Any], child: NamedDependency[Child]) -> MirrorReport:
    """Have it run one direction, or none; answers when that is so."""
    try:
        wanted = msgspec.json.decode(await request.body(), type=MirrorOrder)
        return await child.order(wanted.direction, wanted.left_out)
    except (*UNREADABLE, UnknownClusterError) as error:
        raise ClientException(str(error)) from error


def create_app(child: Child, token: str) -> Litestar:
    """The application over one child."""

    def require_control_plane(
        connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler
    ) -> None:
        given = connection.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise NotAuthorizedException("INTERLOCK_NODE_TOKEN is not this supervisor's")

    return Litestar(
        [live, Router("/", guards=[require_control_plane], route_handlers=[show, order])],
        dependencies={"child": Provide(lambda: child, sync_to_thread=False)},
        openapi_config=None,
        logging_config=None,
    )
