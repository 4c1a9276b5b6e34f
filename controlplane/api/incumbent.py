"""The incumbent's administration API v1: same paths, same codes, same bodies."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from contract.records import VirtualCluster
from controlplane.api.access import FOR, attribution, require_role
from controlplane.api.switching import Outcome, await_end, join_or_start
from controlplane.api.tokens import issue_token
from controlplane.domain.refusal import Invalid, Missing
from controlplane.domain.switch.events import Mode
from controlplane.plane import ControlPlane
from controlplane.probes.connection import without_secrets
from controlplane.users import Role

VclusterName = Annotated[str, PathParameter(name="vcluster")]
Username = Annotated[str, PathParameter(name="username")]
PclusterName = Annotated[str, PathParameter(name="pcluster")]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a request for a token."""

    lifetime_s: int = msgspec.field(name="lifeTimeSeconds")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A client's password."""

    token: str


class VirtualClusters(msgspec.Struct, frozen=True, kw_only=True):
    """All virtual clusters."""

    vclusters: list[str]


class VirtualClusterController(Controller):
    """`/admin/vclusters/v1`."""

    path = "/admin/vclusters/v1"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Incumbent's API v1"]  # noqa: RUF012

    @get()
    async def list_all(self, plane: NamedDependency[ControlPlane]) -> VirtualClusters:
        """All virtual clusters."""
        await plane.ledger.catch_up()
        names = [v.name for v in plane.ledger.facts.control.of(VirtualCluster)]
        return VirtualClusters(vclusters=names)

    @post("/vcluster/{vcluster:str}/username/{username:str}", status_code=201)
    async def issue(
        self,
        vcluster: VclusterName,
        username: Username,
        data: JSONBody[TokenRequest],
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> Token:
        """A token for an account; makes the account and its virtual cluster where missing."""
        by = attribution(request)
        return Token(token=await issue_token(plane, vcluster, username, data.lifetime_s, by))


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, or why not."""

    message: str


_MODES: dict[Literal["mirror", "none"], Mode] = {"mirror": "planned", "none": "forced"}
_SWITCHED = Message(message="Cluster switched")


class PhysicalClusterController(Controller):
    """`/admin/pclusters/v1`."""

    path = "/admin/pclusters/v1"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Incumbent's API v1"]  # noqa: RUF012

    @get("/pcluster/{pcluster:str}")
    async def show(
        self, pcluster: PclusterName, plane: NamedDependency[ControlPlane]
    ) -> dict[str, str]:
        """How the cluster behind a name is reached at present. Secrets are never in it."""
        await plane.ledger.catch_up()
        routing = plane.ledger.facts.routing(pcluster)
        physical = routing.cluster if routing is not None else pcluster
        for cluster in plane.settings.clusters:
            if cluster.name == physical:
                return without_secrets(cluster.properties)
        raise Invalid(f"cluster id {pcluster} is not configured")

    @post("/pcluster/{pcluster:str}/switch", status_code=200, opt={FOR: Role.OPERATOR})
    async def switch(
        self,
        pcluster: PclusterName,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
        to: Annotated[str, QueryParameter(name="to")],
        wait: Annotated[Literal["mirror", "none"], QueryParameter(name="wait")] = "mirror",
    ) -> Response[Message]:
        """Have another physical cluster serve the name, on every node; answers once it is done.

        Calling it again changes nothing and answers the same. `wait=none` forces the switch: what
        the other cluster does not hold yet, clients lose.
        """
        try:
            switch_id = await join_or_start(plane, pcluster, to, _MODES[wait], attribution(request))
        except Missing as error:
            raise Invalid(str(error)) from error
        if switch_id is None:
            return Response(_SWITCHED)
        match await await_end(plane, switch_id):
            case Outcome.COMPLETED:
                return Response(_SWITCHED)
            case Outcome.RUNNING:
                message = f"switch {switch_id} has not ended yet; GET /api/v1/switches/{switch_id}"
                return Response(Message(message=message), status_code=504)
            case Outcome.UNDONE:
                cause = plane.ledger.facts.switches[switch_id].cause
                message = f"Cluster not switched: {cause}"
                return Response(Message(message=message), status_code=503)
