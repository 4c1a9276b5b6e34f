"""The Litestar application over one control plane."""

from typing import Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from controlplane.api.errors import HANDLERS
from controlplane.api.failed_logins import FailedLogins
from controlplane.api.health import live, ready
from controlplane.api.incumbent import PhysicalClusterController, VirtualClusterController
from controlplane.api.incumbent_topics import VirtualTopicController
from controlplane.api.internal import InternalController
from controlplane.api.metrics import metrics
from controlplane.api.origin import refuse_from_elsewhere
from controlplane.api.own.adoption import AdoptionController
from controlplane.api.own.aliases import AliasController
from controlplane.api.own.audit import AuditController
from controlplane.api.own.clients import list_clients
from controlplane.api.own.control import ControlTopicController
from controlplane.api.own.credentials import CredentialController, seal_accounts
from controlplane.api.own.events import EventController
from controlplane.api.own.fleet import ClusterController, NodeController
from controlplane.api.own.mirror import MirrorController
from controlplane.api.own.node_tokens import NodeTokenController
from controlplane.api.own.plans import plan
from controlplane.api.own.policies import PolicyController
from controlplane.api.own.reconciling import ReconciliationController
from controlplane.api.own.reports import report
from controlplane.api.own.switches import SwitchController
from controlplane.api.own.tenants import TenantController
from controlplane.api.passwords import Passwords
from controlplane.console.describing import OperationsPlugin
from controlplane.console.outlook import Outlooks
from controlplane.console.rendering import TEMPLATES
from controlplane.console.routes import console_routes, with_headers
from controlplane.console.visitors import require_reader
from controlplane.domain.accesses import Accesses
from controlplane.plane import ControlPlane

_MOST_BYTES: Final = 1_000_000
"""Of a request's body: a policy with hundreds of rules, or a node's report, has a tenth of it."""


def create_app(plane: ControlPlane) -> Litestar:
    """Everything that this control plane serves."""

    def provide_plane() -> ControlPlane:
        return plane

    outlooks = Outlooks(plane)
    app = Litestar(
        [
            live,
            ready,
            VirtualClusterController,
            VirtualTopicController,
            PhysicalClusterController,
            TenantController,
            PolicyController,
            AdoptionController,
            AliasController,
            CredentialController,
            seal_accounts,
            ClusterController,
            NodeController,
            list_clients,
            NodeTokenController,
            SwitchController,
            report,
            plan,
            MirrorController,
            EventController,
            AuditController,
            ControlTopicController,
            ReconciliationController,
            metrics,
            InternalController,
            *console_routes(outlooks),
        ],
        guards=[refuse_from_elsewhere],
        request_max_body_size=_MOST_BYTES,
        dependencies={"plane": Provide(provide_plane, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        template_config=TEMPLATES,
        lifespan=[outlooks.kept_up],
        openapi_config=OpenAPIConfig(
            title="Interlock",
            version="1",
            # As JSON, and on a page of ours: Litestar's own run scripts of other hosts.
            render_plugins=[JsonRenderPlugin(), OperationsPlugin()],
            openapi_router=Router(
                "/schema",
                route_handlers=[],
                guards=[require_reader],
                after_request=with_headers,
                include_in_schema=False,
            ),
            components=Components(
                security_schemes={
                    "basicAuth": SecurityScheme(type="http", scheme="basic"),
                    "bearerAuth": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
                }
            ),
            security=[{"basicAuth": []}, {"bearerAuth": []}],
        ),
        logging_config=None,
    )
    app.state.plane = plane
    app.state.failed_logins = FailedLogins()
    app.state.accesses = Accesses()
    app.state.passwords = Passwords()
    return app
