"""The environment through the hands of an operator and of client applications."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from sandbox.environment import Environment
from sandbox.process import wait_until

PATIENCE = 60
"""Seconds that a call may take; a switch with a dead node takes about seven."""


@dataclass(frozen=True)
class Operator:
    """Calls the control planes, makes clients, looks into the clusters."""

    environment: Environment

    # --- administration --------------------------------------------------------------------------

    def url(self, plane: int = 0) -> str:
        return f"http://localhost:{self.environment.plan.ports.admin_api(plane)}"

    def call(self, method: str, path: str, plane: int = 0, **arguments: Any) -> httpx.Response:
        return httpx.request(
            method,
            self.url(plane) + path,
            auth=("admin", "conduktor"),
            timeout=PATIENCE,
            **arguments,
        )

    def switch(self, to: str, plane: int = 0, wait: str = "none") -> httpx.Response:
        path = f"/admin/pclusters/v1/pcluster/main/switch?to={to}&wait={wait}"
        return self.call("POST", path, plane)

    def events(self, plane: int = 0, **filters: Any) -> list[dict[str, Any]]:
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

    def routing(self, plane: int = 0) -> dict[str, Any]:
        """The routing of scope `main`, as a control plane broadcasts it."""
        token = self.environment.secrets.node_token
        answer = httpx.get(
            f"{self.url(plane)}/internal/v1/control/records?after=0&wait=0",
            headers={"authorization": f"Bearer {token}"},
        )
        states = {record["key"]: record["state"] for record in answer.json()["records"]}
        return states["routing/main"]

    # --- nodes -----------------------------------------------------------------------------------

    def node_metrics(self, index: int) -> str:
        port = self.environment.plan.ports.gateway_http(index)
        return httpx.get(f"http://localhost:{port}/metrics").text

    def node_serves(self, index: int, cluster: str, epoch: int) -> bool:
        """Whether a node says itself that it serves that cluster, in that epoch."""
        labels = f'{{cluster="{cluster}",phase="serving",scope="main"}}'
        line = f"interlock_node_epoch{labels} {float(epoch)}"
        try:
            return line in self.node_metrics(index)
        except httpx.HTTPError:
            return False

    def wait_for_agreement(self) -> dict[str, Any]:
        """Wait until every node serves what the routing says; that routing."""

        def agreed() -> bool:
            routing = self.routing()
            return routing["state"] == "serving" and all(
                self.node_serves(index, routing["cluster"], routing["epoch"]) for index in (0, 1)
            )

        wait_until(agreed, "both nodes serve what the routing says", PATIENCE)
        return self.routing()

    # --- clients ---------------------------------------------------------------------------------

    def token(self, vcluster: str, user: str = "sa") -> str:
        answer = self.call(
            "POST",
            f"/admin/vclusters/v1/vcluster/{vcluster}/username/{user}",
            json={"lifeTimeSeconds": 3600},
        )
        return answer.json()["token"]

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

    def physical_records(self, cluster: str, topic: str) -> Iterator[bytes]:
        """The values of all records of a physical topic, read from the cluster itself."""
        bootstrap = getattr(self.environment, cluster).bootstrap_servers
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            for partition in partitions:
                yield from _read(consumer, TopicPartition(topic, partition, 0))
        finally:
            consumer.close()


def _read(consumer: Consumer, partition: TopicPartition) -> Iterator[bytes]:
    _, end = consumer.get_watermark_offsets(partition, timeout=10)
    consumer.assign([partition])
    give_up_at = time.monotonic() + PATIENCE
    position = 0
    while position < end:
        assert time.monotonic() < give_up_at, f"{partition} cannot be read to its end"
        for message in consumer.consume(1000, timeout=1):
            assert message.error() is None
            value = message.value()
            assert value is not None
            yield value
            position = message.offset() + 1
