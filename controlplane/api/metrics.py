"""`/metrics`: the state of the whole installation, worked out when it is asked for."""

from math import inf

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    generate_latest,
)

from contract.records import Node, Routing
from controlplane.coordinator.watching import newest_troubles, replicas
from controlplane.domain.copies import Kind
from controlplane.domain.facts import Facts
from controlplane.domain.switch.transitions import Phase
from controlplane.plane import ControlPlane
from controlplane.store.sessions import Session


@get("/metrics", tags=["Health"], include_in_schema=False)
async def metrics(plane: NamedDependency[ControlPlane]) -> Response[bytes]:
    """Prometheus' text format. Any control plane tells the same, but for `interlock_leading`."""
    facts = await plane.ledger.fresh()
    sessions = await plane.sessions.newest()
    registry = CollectorRegistry()
    _scopes(registry, facts, [cluster.name for cluster in plane.settings.clusters])
    _switches(registry, facts)
    _nodes(registry, facts, sessions)
    leading = Gauge("interlock_leading", "1 if this control plane leads", registry=registry)
    leading.set(plane.leading)
    _mirror(registry, plane, facts)
    await _watched(registry, plane)
    head = Gauge("interlock_log_seq", "Newest event of the log", registry=registry)
    head.set(facts.seq)
    _copies(registry, plane)
    _web_hooks(registry, plane)
    _certificate(registry, plane)
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _copies(registry: CollectorRegistry, plane: ControlPlane) -> None:
    contradicted = Gauge(
        "interlock_log_contradicted",
        "Copies of the truth that know more than the log, or something else: nothing is decided"
        " while there is one",
        ["kind"],
        registry=registry,
    )
    for kind in Kind:
        contradicted.labels(kind.value).set(sum(one.kind is kind for one in plane.copies.found))
    reached = Gauge(
        "interlock_broadcast_seq",
        "Newest event that any copy of the truth was seen to know",
        registry=registry,
    )
    reached.set(max((copy.seq for copy in plane.copies.known), default=0))


def _web_hooks(registry: CollectorRegistry, plane: ControlPlane) -> None:
    failures = Gauge(
        "interlock_webhook_failures",
        "How often the web hook did not take the event that is due; 0: it takes what comes"
        " (told by the control plane that leads)",
        ["webhook"],
        registry=registry,
    )
    if plane.leading:
        for name, count in plane.web_hook_failures.items():
            failures.labels(name).set(count)


def _certificate(registry: CollectorRegistry, plane: ControlPlane) -> None:
    if plane.certificate is not None:
        end = Gauge(
            "interlock_api_certificate_not_after_timestamp_seconds",
            "When the certificate that callers of the API are shown is good no more",
            registry=registry,
        )
        end.set(plane.certificate.ends_at.timestamp())


def _scopes(registry: CollectorRegistry, facts: Facts, clusters: list[str]) -> None:
    active = Gauge(
        "interlock_active_cluster",
        "1 for the physical cluster that serves the scope",
        ["scope", "cluster"],
        registry=registry,
    )
    epoch = Gauge(
        "interlock_epoch", "Committed switches of the scope", ["scope"], registry=registry
    )
    phase = Gauge(
        "interlock_switch_phase",
        "1 for the phase of the switch under way in the scope",
        ["scope", "phase"],
        registry=registry,
    )
    for routing in facts.control.of(Routing):
        for cluster in clusters:
            active.labels(routing.scope, cluster).set(cluster == routing.cluster)
        epoch.labels(routing.scope).set(routing.epoch)
        running = facts.open_switch(routing.scope)
        for name in Phase:
            phase.labels(routing.scope, name.value).set(
                running is not None and running.phase == name
            )


def _switches(registry: CollectorRegistry, facts: Facts) -> None:
    total = Gauge(
        "interlock_switches_total",
        "Switches that have ended, since the log began",
        ["outcome"],
        registry=registry,
    )
    for outcome in ("completed", "aborted", "rejected"):
        total.labels(outcome).set(facts.outcomes[outcome])


def _mirror(registry: CollectorRegistry, plane: ControlPlane, facts: Facts) -> None:
    circle = Gauge(
        "interlock_mirror_circle",
        "1 if both directions of the mirror run, so that records come back",
        ["scope"],
        registry=registry,
    )
    for routing in facts.control.of(Routing):
        circle.labels(routing.scope).set(routing.scope in facts.circles)
    tended = plane.mirror_tended
    failed = Gauge(
        "interlock_mirror_failed",
        "1 while a connector or task of the mirror that Interlock manages has failed"
        " (told by the control plane that leads)",
        registry=registry,
    )
    failed.set(tended.failure is not None)
    restarts = Gauge(
        "interlock_mirror_restarts",
        "How often it was started again since it last ran well for ten minutes"
        " (told by the control plane that leads)",
        registry=registry,
    )
    restarts.set(tended.restarts)
    seen = plane.mirror_seen
    if seen is None:
        return
    waiting = Gauge(
        "interlock_mirror_waiting_seconds",
        "For how long a record from the serving cluster has not arrived on the other one"
        " (told by the control plane that leads)",
        registry=registry,
    )
    waiting.set(seen.waiting_s)
    if seen.delay_s is not None:
        delay = Gauge(
            "interlock_mirror_delay_seconds",
            "How long the newest record that arrived was on its way"
            " (told by the control plane that leads)",
            registry=registry,
        )
        delay.set(seen.delay_s)


async def _watched(registry: CollectorRegistry, plane: ControlPlane) -> None:
    left_out = Gauge(
        "interlock_mirror_left_out_records",
        "Records that the mirror was seen to leave out, though it has brought later ones",
        ["scope", "cluster"],
        registry=registry,
    )
    unreadable = Gauge(
        "interlock_watch_unreadable_partitions",
        "Partitions that the newest look could not read, on either cluster",
        ["scope", "cluster"],
        registry=registry,
    )
    age = Gauge(
        "interlock_watch_age_seconds",
        "For how long nobody has looked at the replica while both clusters answered; +Inf: never."
        " It grows while a switch is fenced, and else only if something is wrong",
        ["scope", "cluster"],
        registry=registry,
    )
    for pair in replicas(plane):
        troubles = await newest_troubles(plane, pair)
        left_out.labels(pair.scope, pair.to_cluster).set(troubles.left_out)
        unreadable.labels(pair.scope, pair.to_cluster).set(troubles.unreadable)
        age_s = await plane.watches.age_s(pair)
        age.labels(pair.scope, pair.to_cluster).set(inf if age_s is None else age_s)


def _nodes(registry: CollectorRegistry, facts: Facts, sessions: dict[str, Session]) -> None:
    nodes = Gauge(
        "interlock_nodes",
        "Registered nodes by the phase they last reported for the scope",
        ["scope", "phase"],
        registry=registry,
    )
    applied = Gauge(
        "interlock_node_applied_seq",
        "Newest event that the node has applied",
        ["node"],
        registry=registry,
    )
    for node in facts.control.of(Node):
        session = sessions.get(node.node_id)
        if session is None:
            continue
        applied.labels(node.node_id).set(session.report.applied_seq)
        for scope, report in session.report.scopes.items():
            nodes.labels(scope, report.phase).inc()
