"""The environment through the hands of an operator and of client applications."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from sandbox.environment import Environment
from sandbox.kafka import KafkaCluster
from sandbox.process import Process, wait_until

ADMIN = ("admin", "conduktor")
VIEWER = ("viewer", "popcorn")
"""Somebody who may log in and do nothing."""

HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
"""Made once: each client reads all certificates that the machine believes. A connection for each
call, as processes come and go."""

PATIENCE = 60
"""Seconds that a call may take; a switch with a dead node takes about seven."""


_NO_LEADER_YET = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""What is answered of a partition that was just made."""


@dataclass
class Operator:
    """Calls the control planes, makes clients, looks into the clusters."""

    environment: Environment
    plane: int = 0
    """Index of the control plane that is called unless a call says which."""
    tokens: list[str] = field(default_factory=list, repr=False)
    """Every token that was issued: none may ever stand in a log."""

    # --- administration --------------------------------------------------------------------------

    def url(self, plane: int | None = None) -> str:
        index = self.plane if plane is None else plane
        return f"http://localhost:{self.environment.plan.ports.admin_api(index)}"

    def call(
        self, method: str, path: str, plane: int | None = None, **arguments: Any
    ) -> httpx.Response:
        defaults: dict[str, Any] = {"auth": ADMIN, "timeout": PATIENCE}
        return HTTP.request(method, self.url(plane) + path, **(defaults | arguments))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `interlock WORDS` as an administrator would."""
        return subprocess.run(
            [sys.executable, "-m", "interlock", *words],
            env={
                **os.environ,
                "INTERLOCK_URL": self.url(),
                "INTERLOCK_USER": ADMIN[0],
                "INTERLOCK_PASSWORD": ADMIN[1],
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def switch(
        self, to: str, plane: int | None = None, wait: str = "none", scope: str = "main"
    ) -> httpx.Response:
        path = f"/admin/pclusters/v1/pcluster/{scope}/switch?to={to}&wait={wait}"
        return self.call("POST", path, plane)

    def events(self, plane: int | None = None, **filters: Any) -> list[dict[str, Any]]:
        """All events that fit, oldest first."""
        found: list[dict[str, Any]] = []
        after = filters.pop("after", 0)
        while True:
            query = {"after": after, **filters}
            page = self.call("GET", "/api/v1/events", plane, params=query).json()["items"]
            if not page:
                return found
            found += page
            after = page[-1]["seq"]

    def routing(self, plane: int | None = None) -> dict[str, Any]:
        """The routing of scope `main`, as a control plane broadcasts it."""
        token = self.environment.secrets.node_token
        answer = HTTP.get(
            f"{self.url(plane)}/internal/v1/control/records?after=0&wait=0",
            headers={"authorization": f"Bearer {token}"},
        )
        states = {record["key"]: record["state"] for record in answer.json()["records"]}
        return states["routing/main"]

    def open_switches(self) -> list[dict[str, Any]]:
        """Switches that have not ended."""
        switches = self.call("GET", "/api/v1/switches").json()["items"]
        return [switch for switch in switches if switch["endedAt"] is None]

    def cluster(self, name: str) -> KafkaCluster:
        return self.environment.main if name == "main" else self.environment.failover

    def other_cluster(self) -> str:
        """The cluster that does not serve scope `main`."""
        return "main" if self.routing()["cluster"] == "failover" else "failover"

    def control_plane(self, index: int) -> Process:
        return self.environment.process(f"controlplane{index + 1}")

    def rely_on(self, index: int, crash_at: str | None = None) -> Process:
        """Have one control plane alone, which kills itself right after an event of that kind."""
        for plane in (0, 1):
            self.control_plane(plane).kill()
        alone = self.control_plane(index)
        alone.start({"INTERLOCK_CRASH_AT": crash_at} if crash_at else {})
        alone.wait_ready()
        self.plane = index
        return alone

    # --- nodes -----------------------------------------------------------------------------------

    def node_metrics(self, index: int) -> str:
        port = self.environment.plan.ports.gateway_http(index)
        return HTTP.get(f"http://localhost:{port}/metrics").text

    def node_serves(self, index: int, cluster: str, epoch: int) -> bool:
        """Whether a node says itself that it serves that cluster, in that epoch."""
        labels = f'{{cluster="{cluster}",phase="serving",scope="main"}}'
        line = f"interlock_node_epoch{labels} {float(epoch)}"
        try:
            return line in self.node_metrics(index)
        except httpx.HTTPError:
            return False

    def node_is(self, index: int, phase: str) -> bool:
        """Whether a node says itself that it is in that phase."""
        return f'phase="{phase}"' in self.node_metrics(index)

    def node_metric(self, index: int, name: str) -> float:
        """A metric without labels."""
        lines = self.node_metrics(index).splitlines()
        return next(float(x.split()[1]) for x in lines if x.startswith(f"{name} "))

    def node_log(self, index: int) -> list[dict[str, Any]]:
        """All lines that a node has logged so far; not the one that it is writing."""
        log = self.environment.process(f"gateway{index + 1}").program.log
        written, _, _ = log.read_bytes().rpartition(b"\n")
        return [msgspec.json.decode(line) for line in written.splitlines()]

    def wait_for_agreement(self) -> dict[str, Any]:
        """Wait until every node serves what the routing says; that routing."""

        def agreed() -> bool:
            routing = self.routing()
            return routing["state"] == "serving" and all(
                self.node_serves(index, routing["cluster"], routing["epoch"]) for index in (0, 1)
            )

        wait_until(agreed, "both nodes serve what the routing says", PATIENCE)
        return self.routing()

    def nodes(self) -> list[dict[str, Any]]:
        """Every registered node with its newest report."""
        found: list[dict[str, Any]] = self.call("GET", "/api/v1/nodes").json()["items"]
        return found

    def in_step(self) -> bool:
        """Whether both nodes' state is that of the control plane."""
        return [node["inStep"] for node in self.nodes()] == [True, True]

    # --- clients ---------------------------------------------------------------------------------

    def token(self, vcluster: str, user: str = "sa", lifetime_s: int = 3600) -> str:
        answer = self.call(
            "POST",
            f"/admin/vclusters/v1/vcluster/{vcluster}/username/{user}",
            json={"lifeTimeSeconds": lifetime_s},
        )
        token: str = answer.json()["token"]
        self.tokens.append(token)
        return token

    def client(self, vcluster: str, gateway: int = 0, **settings: Any) -> dict[str, Any]:
        """librdkafka settings of a client of a virtual cluster."""
        return {
            "bootstrap.servers": f"localhost:{self.environment.plan.ports.gateway(gateway)}",
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "sa",
            "sasl.password": self.token(vcluster),
            **settings,
        }

    def create_topic(self, vcluster: str, topic: str, partitions: int = 1) -> None:
        """Create a topic through the gateway, and what a mirror would make of it."""
        self._create(self.client(vcluster), topic, partitions)
        physical = vcluster + topic
        for cluster in (self.environment.main, self.environment.failover):
            direct = {"bootstrap.servers": cluster.bootstrap_servers}
            if physical not in AdminClient(direct).list_topics(timeout=10).topics:
                self._create(direct, physical, partitions)

    @staticmethod
    def _create(client: dict[str, Any], topic: str, partitions: int) -> None:
        admin = AdminClient(client)
        for future in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            future.result(20)

    def forget(self, vcluster: str) -> None:
        """Take its topics off the log and off both clusters: later switches have less to do."""
        self.call("DELETE", f"/admin/vclusters/v1/vcluster/{vcluster}/topics")
        for cluster in (self.environment.main, self.environment.failover):
            admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
            topics = admin.list_topics(timeout=PATIENCE).topics
            left = [topic for topic in topics if topic.startswith(vcluster)]
            for deleted in admin.delete_topics(left).values() if left else ():
                deleted.result(PATIENCE)

    def physical_records(self, cluster: str, topic: str) -> Iterator[bytes]:
        """The values of all records of a physical topic, read from the cluster itself."""
        bootstrap = self.cluster(cluster).bootstrap_servers
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            for partition in partitions:
                yield from _read(consumer, TopicPartition(topic, partition))
        finally:
            consumer.close()


def end_of(cluster: KafkaCluster, topic: str) -> int:
    """Where a topic of one partition ends."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    (future,) = admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}).values()
    return int(future.result(10).offset)


def _range_of(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """Where it begins and ends; a partition that was just made may have no leader yet."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            found: tuple[int, int] = consumer.get_watermark_offsets(partition, timeout=10)
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)
        else:
            return found


def _read(consumer: Consumer, partition: TopicPartition) -> Iterator[bytes]:
    position, end = _range_of(consumer, partition)
    consumer.assign([TopicPartition(partition.topic, partition.partition, position)])
    give_up_at = time.monotonic() + PATIENCE
    while position < end:
        assert time.monotonic() < give_up_at, f"{partition} cannot be read to its end"
        for message in consumer.consume(1000, timeout=1):
            assert message.error() is None
            value = message.value()
            assert value is not None
            yield value
            position = message.offset() + 1
