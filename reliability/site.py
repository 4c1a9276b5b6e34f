"""The environment that switches are repeated in, through the hands of an operator."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from reliability.history import Entry, Partition, Value
from sandbox.environment import Environment
from sandbox.errors import SandboxError
from sandbox.kafka import KafkaCluster
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import PAIR, reserved_ports
from sandbox.process import wait_until

VCLUSTER = "bank"
WORKERS = 2
_WHO = ("admin", "conduktor")
_PATIENCE_S = 120.0
_VARIABLES = {
    "INTERLOCK_SWITCH_BUDGET_S": "60",
    "INTERLOCK_MIRROR_BUDGET_S": "30",
    "INTERLOCK_MIRROR_REVERSAL": "after_switch",
}
_CLEANS_OFTEN = {"log.cleaner.backoff.ms": "1000"}
"""So that compacted topics lose their tombstones between two switches."""


class Site:
    """Two clusters, a mirror, two control planes, two gateways with two workers each."""

    def __init__(self, environment: Environment) -> None:
        """Make a virtual cluster with one account."""
        self.environment = environment
        self._token = self.token_of(VCLUSTER)

    def token_of(self, vcluster: str) -> str:
        """A token for the account `sa`; makes both where missing."""
        path = f"/admin/vclusters/v1/vcluster/{vcluster}/username/sa"
        return str(self.call("POST", path, {"lifeTimeSeconds": 7 * 24 * 3600})["token"])

    def client(self, gateway: int) -> dict[str, Any]:
        """Librdkafka's settings of a client of a gateway."""
        return {
            "bootstrap.servers": f"localhost:{self.environment.plan.ports.gateway(gateway)}",
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "sa",
            "sasl.password": self._token,
        }

    def create_topic(self, topic: str, partitions: int) -> None:
        """Through a gateway."""
        admin = AdminClient(self.client(0))
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)

    @property
    def serving(self) -> str:
        """The cluster that clients are served by."""
        return str(self.call("GET", "/api/v1/mirror")["serving"])

    @property
    def standby(self) -> str:
        """The other one."""
        return "failover" if self.serving == "main" else "main"

    def cluster(self, name: str) -> KafkaCluster:
        """One of the two."""
        return self.environment.main if name == "main" else self.environment.failover

    def switch_to(self, to: str, reason: str, *, forced: bool = False) -> dict[str, Any]:
        """Switch, wait for the end, and tell its story."""
        body: dict[str, Any] = {"toCluster": to, "reason": reason}
        if forced:
            body |= {"mode": "forced", "acceptLoss": True}
        switch_id = self.call("POST", "/api/v1/switches", body)["switchId"]
        path = f"/api/v1/switches/{switch_id}"

        def ended() -> bool:
            return self.call("GET", path)["switch"]["endedAt"] is not None

        wait_until(ended, f"switch {switch_id} ends", _PATIENCE_S)
        report: dict[str, Any] = self.call("GET", f"{path}/report")
        return report

    def wait_for_mirror(self) -> None:
        """Wait until the mirror copies from the cluster that serves, and a switch would pass."""

        def turned() -> bool:
            mirror = self.call("GET", "/api/v1/mirror")
            return mirror["source"] == mirror["serving"] and not _under_way(mirror["reversal"])

        wait_until(turned, "the mirror has turned round", _PATIENCE_S)
        try:
            wait_until(self._would_pass, "a switch would pass", _PATIENCE_S)
        except SandboxError as error:
            raise SandboxError(f"{error}: {self._plan()}") from error

    def make_a_copy(self, reason: str) -> None:
        """Have the cluster that was given up, and runs again, become a copy of the serving one.

        The mirror was stopped before that cluster was started; it goes on with this order.
        """
        body = {"findCut": True, "tail": "discard", "reason": reason}
        self.call("POST", "/api/v1/mirror/reverse", body)
        self.environment.process("mirror-maker").restart()
        self.wait_for_mirror()

    def _would_pass(self) -> bool:
        return bool(self._plan()["passed"])

    def _plan(self) -> dict[str, Any]:
        body = {"toCluster": self.standby}
        plan: dict[str, Any] = self.call("POST", "/api/v1/switch-plans", body)
        return plan

    def connections_closed(self) -> float:
        """Connections of clients that the nodes have closed, whatever for.

        Java's clients end those themselves that they have not used for nine minutes.
        """
        ports = self.environment.plan.ports
        urls = [
            f"http://localhost:{ports.gateway_http(index, worker)}/metrics"
            for index in PAIR
            for worker in range(WORKERS)
        ]
        lines = [line for url in urls for line in httpx.get(url).text.splitlines()]
        name = "interlock_node_connections_closed_by_node_total"
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def log_of(self, name: str, topic: str) -> dict[Partition, list[Entry]]:
        """What a cluster holds of a topic; only committed records."""
        found: dict[Partition, list[Entry]] = defaultdict(list)
        for message_partition, offset, value in _read_all(self.cluster(name), VCLUSTER + topic):
            entry = Entry(offset, Value.parse(value.decode()))
            found[Partition(topic, message_partition)].append(entry)
        return dict(found)

    def unleased(self) -> list[str]:
        """Nodes that have no lease now."""
        nodes = self.call("GET", "/api/v1/nodes")["items"]
        return [node["nodeId"] for node in nodes if not node["leased"]]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What a control plane answers. Raises RuntimeError where it refuses."""
        url = f"http://localhost:{self.environment.plan.ports.admin_api(0)}{path}"
        answer = httpx.request(method, url, json=body, auth=_WHO, timeout=_PATIENCE_S)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()


def _under_way(reversal: dict[str, Any] | None) -> bool:
    return reversal is not None and reversal["endedAt"] is None


@contextmanager
def open_site(
    report: Callable[[str], None], variables: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """Start everything, and end it afterwards; `variables` go to all of our own processes."""
    own = variables or {}
    with TemporaryDirectory(prefix="interlock-reliability-") as folder, reserved_ports() as ports:
        plan = Plan(
            folder=Path(folder),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.MIRROR, Component.GATEWAYS}),
            workers=WORKERS,
            control_plane_variables={**_VARIABLES, **own},
            gateway_variables=own,
            broker_properties=dict.fromkeys(("main", "failover"), _CLEANS_OFTEN),
        )
        report("starting two clusters, a mirror, two control planes and two gateways")
        with Environment(plan) as environment:
            yield Site(environment)


def _read_all(cluster: KafkaCluster, topic: str) -> Iterator[tuple[int, int, bytes]]:
    """Partition, offset and value of every record."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "group.id": "judge",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        unread = set(partitions)
        give_up_at = time.monotonic() + _PATIENCE_S
        while unread:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{topic} of {cluster.name} cannot be read to its end")
            for message in consumer.consume(1000, timeout=1):
                number, offset, value = message.partition(), message.offset(), message.value()
                if message.error() is not None:
                    unread.discard(number)
                elif number is not None and offset is not None and value is not None:
                    yield number, offset, value
    finally:
        consumer.close()
