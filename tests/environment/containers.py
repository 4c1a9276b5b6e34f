"""Kafka and Postgres in containers, for machines with an engine. Not run so far: ours have none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from sandbox.kafka import new_cluster_id
from sandbox.kafka_release import KAFKA_VERSION
from sandbox.ports import Ports
from tests.environment.backends import Clusters


@dataclass(frozen=True)
class Containers:
    """The containers that a test run needs."""

    ports: Ports

    @contextmanager
    def clusters(self) -> Iterator[Clusters]:
        main_port, failover_port = self.ports.main_broker(0), self.ports.failover_broker(0)
        with _broker(1, main_port), _broker(101, failover_port):
            yield Clusters(f"localhost:{main_port}", f"localhost:{failover_port}")

    @contextmanager
    def postgres(self) -> Iterator[str]:
        with PostgresContainer("postgres:18", driver=None) as server:
            yield server.get_connection_url()


@contextmanager
def _broker(node_id: int, port: int) -> Iterator[None]:
    settings = {
        "CLUSTER_ID": new_cluster_id(),
        "KAFKA_NODE_ID": str(node_id),
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"{node_id}@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    }
    container = DockerContainer(f"apache/kafka:{KAFKA_VERSION}")
    started = LogMessageWaitStrategy("Kafka Server started")
    container.with_bind_ports(9092, port).with_envs(**settings).waiting_for(started)
    with container:
        yield
