"""All routes of the console under one guard."""

from litestar import Response, Router
from litestar.di import Provide
from litestar.static_files import create_static_files_router

from controlplane.console.audit import chain, events
from controlplane.console.clients import list_clients
from controlplane.console.history import history
from controlplane.console.logging_in import log_in, log_out, show_log_in
from controlplane.console.mirror import mirror
from controlplane.console.outlook import Outlooks
from controlplane.console.overview import nodes, nodes_live, overview, overview_live
from controlplane.console.problems import HANDLERS
from controlplane.console.rendering import HEADERS, HERE
from controlplane.console.signing_on import sign_on, signed_on
from controlplane.console.switching import (
    abort,
    plan_switch,
    show_switch,
    start_switch,
    watch_switch,
)
from controlplane.console.tenants import (
    create_tenant,
    create_token,
    list_tenants,
    revoke_account,
    show_tenant,
)
from controlplane.console.visitors import require_visitor


def console_routes(outlooks: Outlooks) -> list[Router]:
    """Pages, forms and live parts, and the style and script that they load."""

    def provide_outlooks() -> Outlooks:
        return outlooks

    pages = Router(
        "/",
        route_handlers=[
            overview,
            overview_live,
            show_log_in,
            sign_on,
            signed_on,
            log_in,
            log_out,
            plan_switch,
            start_switch,
            show_switch,
            watch_switch,
            abort,
            history,
            list_tenants,
            create_tenant,
            show_tenant,
            create_token,
            revoke_account,
            list_clients,
            nodes,
            nodes_live,
            mirror,
            events,
            chain,
        ],
        guards=[require_visitor],
        dependencies={"outlooks": Provide(provide_outlooks, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        response_headers=HEADERS,
        include_in_schema=False,
    )
    assets = create_static_files_router(
        "/console/assets",
        directories=[HERE / "assets"],
        after_request=_as_an_asset,
    )
    return [pages, assets]


def with_headers(response: Response[object]) -> Response[object]:
    """A page that others serve, with what ours are sent with."""
    response.headers.update(HEADERS)
    return response


def _as_an_asset(response: Response[object]) -> Response[object]:
    """Kept by browsers, and asked for again each time, as an upgrade may have changed it."""
    response.headers.update(HEADERS | {"Cache-Control": "no-cache"})
    return response
