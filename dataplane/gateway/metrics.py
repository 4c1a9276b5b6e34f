"""What Prometheus reads from a node, gathered when it asks: the data path only counts integers."""

from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contract.fold import ControlState
from contract.server_certificate import ServerCertificate
from dataplane.gateway.loop_lag import LoopLag
from dataplane.gateway.node_memory import NodeMemory
from dataplane.gateway.services import Client, Counters
from dataplane.gateway.tallies import OTHERS, Tallies
from dataplane.gateway.tally_metrics import loop_lag_metric, tally_metrics
from dataplane.node.machine import NodeState
from dataplane.relay.lease import Lease
from dataplane.virtual.apis import APIS

MOST_SOFTWARE: Final = 50
"""Libraries and versions that are told apart: clients may say what they like."""


class Source(Protocol):
    """The gateway, as its metrics see it."""

    counters: Counters
    lease: Lease
    control: ControlState
    connections: set[Client]
    memory: NodeMemory
    certificate: ServerCertificate | None
    tallies: Tallies
    loop_lag: LoopLag


class Standings(Protocol):
    """The follower, as the metrics see it."""

    state: NodeState

    @property
    def contradiction(self) -> str | None:
        """What a channel said last against what was applied, and was refused."""
        ...

    @property
    def applied_seq(self) -> int:
        """Every record up to this `seq` has been applied."""
        ...


class NodeCollector(Collector):
    """All metrics of a node."""

    def __init__(self, gateway: Source, follower: Standings) -> None:
        """Read from the gateway and its follower."""
        self._gateway = gateway
        self._follower = follower

    def collect(self) -> Iterator[Metric]:
        """One sample of everything."""
        yield from self._counters()
        yield from self._lease()
        yield from self._phases()
        yield from self._certificate()
        yield from tally_metrics(self._gateway.tallies)
        yield loop_lag_metric(self._gateway.loop_lag)

    def _counters(self) -> Iterator[Metric]:
        counters = self._gateway.counters
        named = {
            "connections_opened": "Client connections accepted",
            "connections_closed": "Client connections ended",
            "connections_closed_by_node": "Client connections that the node ended",
            "authentications_failed": "Log-ins refused",
            "batches": "Times that requests were sent to a broker, one or many at once",
            "requests_held": "Requests that waited until their scope was served again",
            "held_too_long": "Held requests that got a retriable error at the hold limit",
            "held_in_vain": "Held requests whose clients hung up before their scope was served",
            "unheard_told": "Changes of topics told although their clients had hung up",
            "unheard_unknown": "Clients that hung up on a change whose outcome is unknown",
            "throttled": "Times that a client was not listened to for a while",
            "closed_for_memory": "Client connections that held memory for too long",
            "writes_repeated": "Produce requests that repeated what was written before a switch",
            "writes_cut": "Writes whose outcome stayed unknown because a lease or a drain ran out",
        }
        for name, meaning in named.items():
            family = CounterMetricFamily(f"interlock_node_{name}", meaning)
            family.add_metric([], getattr(counters, name))
            yield family
        requests = CounterMetricFamily(
            "interlock_node_requests", "Requests of clients", labels=["api"]
        )
        for key, count in enumerate(counters.requests):
            if count:
                requests.add_metric([APIS[key].name], count)
        yield requests
        live = GaugeMetricFamily("interlock_node_connections", "Client connections open now")
        live.add_metric([], len(self._gateway.connections))
        yield live
        yield from self._software()
        memory = self._gateway.memory
        yield GaugeMetricFamily(
            "interlock_node_frame_memory_bytes",
            "Memory of large frames that come in, wait or are not read by their clients",
            memory.node.used,
        )
        yield GaugeMetricFamily(
            "interlock_node_waiting_for_memory",
            "Connections that are not read until there is memory for their frames",
            memory.waiting,
        )

    def _software(self) -> Iterator[Metric]:
        # Prometheus asks in a thread; to copy the set is one step for it.
        counted = Counter(client.software for client in tuple(self._gateway.connections))
        family = GaugeMetricFamily(
            "interlock_node_client_software",
            "Client connections open now, by what the library says it is (KIP-511)",
            labels=["software", "version"],
        )
        named = counted.most_common(MOST_SOFTWARE)
        for software, count in named:
            family.add_metric(software, count)
        family.add_metric([OTHERS, ""], counted.total() - sum(count for _, count in named))
        yield family

    def _lease(self) -> Iterator[Metric]:
        left = max(0.0, self._gateway.lease.deadline - monotonic())
        yield GaugeMetricFamily(
            "interlock_node_lease_seconds", "Seconds for which the node may still serve", left
        )
        yield GaugeMetricFamily(
            "interlock_node_applied_seq", "Newest applied event", self._follower.applied_seq
        )
        yield GaugeMetricFamily(
            "interlock_node_contradicted",
            "1 while a channel speaks against what the node has applied, and is refused",
            self._follower.contradiction is not None,
        )

    def _certificate(self) -> Iterator[Metric]:
        certificate = self._gateway.certificate
        if certificate is not None:
            yield GaugeMetricFamily(
                "interlock_node_certificate_not_after_timestamp_seconds",
                "When the certificate that clients are shown is good no more",
                certificate.ends_at.timestamp(),
            )

    def _phases(self) -> Iterator[Metric]:
        epochs = GaugeMetricFamily(
            "interlock_node_epoch", "Epoch of the scope", labels=["scope", "cluster", "phase"]
        )
        for standing in self._follower.state.standings:
            routing = standing.routing
            epochs.add_metric([routing.scope, routing.cluster, standing.phase], routing.epoch)
        yield epochs
