"""`/api/v1/switch-plans`: what would stand in the way of a switch; changes nothing."""

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from controlplane.api.access import require_admin
from controlplane.api.own.fleet import node_statuses
from controlplane.api.own.schemas import Answer, NodeStatus, SwitchQuestion
from controlplane.api.switching import new_switch
from controlplane.domain.refusal import Refusal
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.request import start_switch
from controlplane.plane import ControlPlane
from controlplane.probes.preflight import preflight


class Plan(Answer, frozen=True, kw_only=True, rename="camel"):
    """What was looked at."""

    passed: bool
    checks: list[Check]


@post("/api/v1/switch-plans", status_code=200, guards=[require_admin], tags=["Switches"])
async def plan(
    data: JSONBody[SwitchQuestion],
    plane: NamedDependency[ControlPlane],
) -> Plan:
    """Whether a switch would pass now. Works while one is under way."""
    facts = await plane.ledger.fresh()
    scope = data.scope or plane.settings.scope
    checks = []
    try:
        configured = tuple(cluster.name for cluster in plane.settings.clusters)
        command = new_switch(plane, scope, data.to_cluster, data.mode)
        start_switch(facts, command, configured)
        checks.append(Check(name="request", passed=True, detail="nothing is under way"))
    except Refusal as error:
        checks.append(Check(name="request", passed=False, detail=str(error)))
        return Plan(passed=False, checks=checks)
    checks += [_node_check(node) for node in await node_statuses(plane, facts)]
    routing = facts.routing(scope)
    checks += await _cluster_checks(plane, data, routing.cluster if routing else "")
    return Plan(passed=all(check.passed for check in checks), checks=checks)


def _node_check(node: NodeStatus) -> Check:
    if node.leased and node.trouble is None:
        return Check(name="node", passed=True, detail=f"{node.node_id} serves")
    detail = f"{node.node_id} has no lease: the switch will wait until it surely has none"
    # Not a hindrance: the barrier waits out the lease of a node that is silent.
    return Check(name="node", passed=True, detail=detail)


async def _cluster_checks(
    plane: ControlPlane, question: SwitchQuestion, source: str
) -> list[Check]:
    clusters = {cluster.name: cluster for cluster in plane.settings.clusters}
    planned = question.mode == "planned"
    known = plane.ledger.facts.cluster(question.to_cluster)
    found = await preflight(
        clusters.get(source) if planned else None, clusters[question.to_cluster], known
    )
    return list(found.checks)
