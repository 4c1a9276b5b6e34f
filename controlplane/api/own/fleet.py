"""`/api/v1/clusters` and `/api/v1/nodes`: what there is, and how it is."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from contract.clusters_file import ClusterProperties
from contract.records import Node, Routing
from controlplane.api.access import FOR, attribution, require_role
from controlplane.api.own.schemas import ClusterView, Items, NodeScope, NodeStatus
from controlplane.domain.commands import DeregisterNode
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict
from controlplane.plane import ControlPlane
from controlplane.probes.connection import without_secrets
from controlplane.store.sessions import Session
from controlplane.users import Role

NodeId = Annotated[str, PathParameter(name="node_id")]


class ClusterController(Controller):
    """Physical clusters."""

    path = "/api/v1/clusters"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Physical clusters"]  # noqa: RUF012

    @get()
    async def list_all(self, plane: NamedDependency[ControlPlane]) -> Items[ClusterView]:
        """The clusters of `clusters.yaml`."""
        facts = await plane.ledger.fresh()
        return Items(items=[_cluster(facts, cluster) for cluster in plane.settings.clusters])


def _cluster(facts: Facts, configured: ClusterProperties) -> ClusterView:
    known = facts.cluster(configured.name)
    return ClusterView(
        name=configured.name,
        role=configured.role,
        properties=without_secrets(configured.properties),
        reached=known is not None,
        cluster_id=known.cluster_id if known else None,
        index=known.index if known else None,
        brokers=known.brokers if known else (),
        serves=[r.scope for r in facts.control.of(Routing) if r.cluster == configured.name],
    )


class NodeController(Controller):
    """Gateway nodes."""

    path = "/api/v1/nodes"
    guards = [require_role]  # noqa: RUF012 - Litestar's way to declare it
    tags = ["Nodes"]  # noqa: RUF012

    @get()
    async def list_all(self, plane: NamedDependency[ControlPlane]) -> Items[NodeStatus]:
        """Every registered node. All of them are waited for in a switch."""
        facts = await plane.ledger.fresh()
        return Items(items=await node_statuses(plane, facts))

    @post("/{node_id:str}/forget", status_code=204, opt={FOR: Role.OPERATOR})
    async def forget(
        self,
        node_id: NodeId,
        plane: NamedDependency[ControlPlane],
        request: Request[Any, Any, Any],
    ) -> None:
        """Let a node go that will not come back: whoever asks vouches that it is stopped.

        409 while it still reports.
        """
        session = (await plane.sessions.newest()).get(node_id)
        if session is not None and session.may_serve(plane.settings.interlock_lease_s):
            raise Conflict(
                f"node {node_id} reported {session.age.total_seconds():.1f} s ago: stop it first"
            )
        command = DeregisterNode(node_id=node_id, cause="forgotten")
        await plane.ledger.carry_out(command, attribution(request))


async def node_statuses(plane: ControlPlane, facts: Facts) -> list[NodeStatus]:
    """Every registered node with its newest report."""
    sessions = await plane.sessions.newest()
    lease_s = plane.settings.interlock_lease_s
    digest = facts.control.digest()
    return [
        _status(
            node, facts.shown_tokens.get(node.node_id), sessions.get(node.node_id), digest, lease_s
        )
        for node in facts.control.of(Node)
    ]


def _status(
    node: Node, token_id: str | None, session: Session | None, digest: str, lease_s: float
) -> NodeStatus:
    if session is None or session.report.incarnation != node.incarnation:
        return NodeStatus(
            node_id=node.node_id,
            incarnation=node.incarnation,
            token_id=token_id,
            reported_seconds_ago=None,
            leased=False,
            applied_seq=None,
            digest=None,
            in_step=False,
            scopes={},
            trouble="has not reported",
        )
    report = session.report
    age_s = session.age.total_seconds()
    return NodeStatus(
        node_id=node.node_id,
        incarnation=node.incarnation,
        token_id=token_id,
        reported_seconds_ago=round(age_s, 3),
        leased=session.granted and age_s < lease_s,
        applied_seq=report.applied_seq,
        digest=report.digest,
        in_step=report.digest == digest,
        scopes={
            scope: NodeScope(
                phase=s.phase, epoch=s.epoch, term=s.term, in_flight=s.in_flight, held=s.held
            )
            for scope, s in report.scopes.items()
        },
        trouble=report.unreadable or report.contradiction,
    )
