"""`/api/v1/switch-plans`: what would stand in the way of a switch; changes nothing."""

import asyncio

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from contract.mirror import Direction
from controlplane.api.access import FOR, require_role
from controlplane.api.own.fleet import node_statuses
from controlplane.api.own.schemas import Answer, NodeStatus, SwitchQuestion
from controlplane.api.switching import new_switch
from controlplane.coordinator.diverging import divergence_between, divergence_checks
from controlplane.coordinator.watching import find_losses, newest_seen
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.common_ground import came_apart
from controlplane.domain.mirror.request import last_committed
from controlplane.domain.refusal import Refusal
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.means import means_check
from controlplane.domain.switch.parity import parity_checks
from controlplane.domain.switch.readiness import (
    completeness_check,
    expected_stall_ms,
    transactions_check,
    watch_check,
)
from controlplane.domain.switch.request import start_switch
from controlplane.domain.switch.view import Losses, Timing
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.parity.governed import governed
from controlplane.probes.parity.making import Clusters, ParityMaker
from controlplane.probes.preflight import preflight
from controlplane.probes.readers import Readers
from controlplane.probes.readiness import PlannedSwitch, all_ready
from controlplane.probes.transactions import open_transactions
from controlplane.store.watches import Pair
from controlplane.users import Role


class Plan(Answer, frozen=True, kw_only=True, rename="camel"):
    """What was looked at."""

    passed: bool
    checks: list[Check]
    expected_stall_ms: int | None = None
    """For how long clients' requests would be held, about; None if the switch cannot be tried."""


@post(
    "/api/v1/switch-plans",
    status_code=200,
    guards=[require_role],
    opt={FOR: Role.VIEWER},
    tags=["Switches"],
)
async def plan(
    data: JSONBody[SwitchQuestion],
    plane: NamedDependency[ControlPlane],
) -> Plan:
    """Whether a switch would pass now. Works while one is under way."""
    return await plan_of(plane, data)


async def plan_of(plane: ControlPlane, data: SwitchQuestion) -> Plan:
    """What would stand in the way of a switch now; asks both clusters, which takes a second."""
    facts = await plane.ledger.fresh()
    scope = data.scope or plane.settings.scope
    if plane.ledger.objection is not None:
        return Plan(
            passed=False,
            checks=[Check(name="log", passed=False, detail=plane.ledger.objection)],
        )
    checks = []
    try:
        configured = tuple(cluster.name for cluster in plane.settings.clusters)
        command = new_switch(plane, scope, data.to_cluster, data.mode)
        start_switch(facts, command, configured)
        checks.append(Check(name="request", passed=True, detail="nothing is under way"))
    except Refusal as error:
        checks.append(Check(name="request", passed=False, detail=str(error)))
        return Plan(passed=False, checks=checks)
    nodes = await node_statuses(plane, facts)
    checks += [_node_check(node) for node in nodes]
    routing = facts.routing(scope)
    source = routing.cluster if routing else ""
    checks += await _cluster_checks(plane, data, source)
    delay_s = None
    pair = Pair(scope=scope, from_cluster=source, to_cluster=data.to_cluster)
    if data.mode == "planned" and all(check.passed for check in checks):
        direction = Direction(source=source, target=data.to_cluster)
        seen, topics = await newest_seen(plane, pair), facts.topics_in(scope)
        planned = PlannedSwitch(facts, scope, direction, seen, data.waive)
        # A record that is to be seen to arrive has some seconds for that: no work beside it.
        ready, delay_s = await _ready(plane, planned)
        diverged, alike, watched, ended = await asyncio.gather(
            _divergence(plane, facts, scope, direction, data),
            _parity(plane, direction, scope, data),
            _watch(plane, facts, pair),
            _transactions(plane, facts, scope, source, data),
        )
        complete = completeness_check(
            direction, seen, topics, accepted=data.accept_loss, waived=data.waive
        )
        checks += [*ready, *diverged, complete, means_check(seen, topics), *alike, watched, *ended]
    if data.mode == "forced":
        checks += await _losses(plane, pair)
    silent = any(not node.leased for node in nodes)
    return Plan(
        passed=all(check.passed for check in checks),
        checks=checks,
        expected_stall_ms=expected_stall_ms(
            facts, Timing(lease_s=plane.settings.interlock_lease_s), delay_s, silent=silent
        ),
    )


async def _ready(plane: ControlPlane, planned: PlannedSwitch) -> tuple[list[Check], float | None]:
    """What topics and the mirror are like, and how many seconds records take."""
    try:
        return await all_ready(plane.settings, planned)
    except LookError as error:
        return [Check(name="mirror_direction", passed=False, detail=str(error))], None


async def _divergence(
    plane: ControlPlane, facts: Facts, scope: str, direction: Direction, question: SwitchQuestion
) -> list[Check]:
    """After a forced switch: what only one of the clusters holds."""
    if not came_apart(facts, scope):
        return []
    readers = Readers(plane.settings.clusters)
    try:
        found = await divergence_between(facts, readers, scope, direction)
    except LookError:
        return []  # said already
    finally:
        await readers.close()
    return divergence_checks(found, direction, accepted=question.accept_loss)


async def _parity(
    plane: ControlPlane, direction: Direction, scope: str, question: SwitchQuestion
) -> list[Check]:
    """What is not alike beyond records, and what of it would be made so."""
    clusters = {cluster.name: cluster for cluster in plane.settings.clusters}
    readers = Readers(plane.settings.clusters)
    both = Clusters(clusters[direction.source], clusters[direction.target])
    try:
        maker = ParityMaker(both, readers)
        found = await maker.compare_twice(lambda: governed(plane.ledger.facts, scope))
    except LookError as error:
        return [Check(name="parity", passed=False, detail=str(error))]
    finally:
        await readers.close()
    return list(parity_checks(direction, found, question.waive))


async def _transactions(
    plane: ControlPlane, facts: Facts, scope: str, source: str, question: SwitchQuestion
) -> list[Check]:
    """What a switch would have to abort."""
    cluster = next(c for c in plane.settings.clusters if c.name == source)
    tenants = tuple(facts.tenants_of(scope))
    try:
        found = await open_transactions(cluster, lambda name: name.startswith(tenants))
    except LookError as error:
        return [Check(name="transactions", passed=False, detail=str(error))]
    quiesce_s = question.quiesce_budget_s
    if quiesce_s is None:
        quiesce_s = plane.settings.interlock_quiesce_budget_s
    return [transactions_check(source, found, quiesce_s, question.transactions_budget_s)]


async def _watch(plane: ControlPlane, facts: Facts, pair: Pair) -> Check:
    """Whether the replica is watched; the time since the newest switch at most counts."""
    age_s = await plane.watches.age_s(pair)
    switch = last_committed(facts, pair.scope)
    if age_s is not None and switch is not None:
        age_s = min(
            age_s, await plane.ledger.store.seconds_since(switch.ended_at or switch.requested_at)
        )
    return watch_check(pair.to_cluster, age_s, plane.not_watched.get(pair))


def _node_check(node: NodeStatus) -> Check:
    if node.leased and node.trouble is None:
        return Check(name="node", passed=True, detail=f"{node.node_id} serves")
    detail = f"{node.node_id} has no lease: the switch will wait until it surely has none"
    # Not a hindrance: the barrier waits out the lease of a node that is silent.
    return Check(name="node", passed=True, detail=detail)


async def losses_now(plane: ControlPlane, pair: Pair) -> Losses:
    """What a replica lacks at this moment; asks both clusters.

    Raises:
        LookError: the replica does not answer.
    """
    readers = Readers(plane.settings.clusters)
    try:
        return await find_losses(plane, readers, pair)
    finally:
        await readers.close()


async def _losses(plane: ControlPlane, pair: Pair) -> list[Check]:
    """What would be given up. Not a hindrance: whoever forces a switch says that they accept it."""
    try:
        found = await losses_now(plane, pair)
    except LookError:
        return []  # the target: said already
    if found.seen_at is None:
        unknown = f"{pair.from_cluster} never answered while anybody watched: nothing is known"
        return [Check(name="loss", passed=True, detail=unknown)]
    since = "" if found.answered else f", as it was at {found.seen_at:%Y-%m-%d %H:%M:%S} UTC"
    lacking = [loss for loss in found.losses if loss.known]
    if not lacking:
        detail = f"{pair.to_cluster} holds everything that {pair.from_cluster} holds{since}"
        return [Check(name="loss", passed=True, detail=detail)]
    return [
        Check(
            name="loss",
            passed=True,
            detail=f"{loss.partition}: from offset {loss.first} on, {loss.known} known{since}"
            + (f", at most, as it could not be read: {loss.unreadable}" if loss.unreadable else "")
            + (f", with what the mirror left out before: {loss.hole}" if loss.hole else ""),
        )
        for loss in lacking
    ]


async def _cluster_checks(
    plane: ControlPlane, question: SwitchQuestion, source: str
) -> list[Check]:
    clusters = {cluster.name: cluster for cluster in plane.settings.clusters}
    planned = question.mode == "planned"
    known = plane.ledger.facts.cluster(question.to_cluster)
    found = await preflight(
        clusters.get(source) if planned else None,
        clusters[question.to_cluster],
        known,
        plane.ledger.facts.face(),
    )
    return list(found.checks)
