"""A Kafka cluster whose brokers are controllers as well (KRaft, combined mode)."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.kafka_release import BOOTSTRAP_CHECKPOINT, KafkaRelease
from sandbox.ports import Ports
from sandbox.probe import BrokerUp
from sandbox.process import Process, Program
from sandbox.variables import inherited_without

HEAP_MB = 256
"""Enough for a sandbox's broker, with the log cleaner's buffer cut down below."""


@dataclass(frozen=True)
class BrokerAddress:
    """Who a broker is, and where."""

    node_id: int
    port: int

    @property
    def controller_port(self) -> int:
        """Where the controller in the same process listens."""
        return Ports.controller(self.port)


class KafkaCluster:
    """Brokers that form one cluster. Their data lives as long as the folder."""

    def __init__(
        self,
        name: str,
        addresses: Sequence[BrokerAddress],
        folder: Path,
        kafka: KafkaRelease,
        *,
        heap_mb: int = HEAP_MB,
    ) -> None:
        self.name = name
        self.addresses = tuple(addresses)
        self.cluster_id = new_cluster_id()
        self._folder = folder
        self._kafka = kafka
        self.brokers = tuple(Process(self._program(address, heap_mb)) for address in self.addresses)
        """Broker processes, in order of their node ids."""

    @property
    def bootstrap_servers(self) -> str:
        """`localhost:port` of every broker, with commas between."""
        return ",".join(f"localhost:{address.port}" for address in self.addresses)

    def format(self) -> None:
        """Write every broker's log directory and properties file; comes before the first start."""
        for address in self.addresses:
            self._format(address)

    def _program(self, address: BrokerAddress, heap_mb: int) -> Program:
        known = frozenset(a.node_id for a in self.addresses)
        index = self.addresses.index(address) + 1
        name = f"kafka{index}" if self.name == "main" else f"{self.name}-kafka{index}"
        return Program(
            name=name,
            command=self._kafka.command(
                "kafka.Kafka",
                str(self._properties_file(address)),
                heap_mb=heap_mb,
                log_level="INFO",
            ),
            log=self._folder / "logs" / f"{name}.log",
            ready=BrokerUp(address.port, known),
            address=f"localhost:{address.port}",
            environment=inherited_without("KAFKA_", "CLASSPATH"),
            grace_s=20.0,
        )

    def _format(self, address: BrokerAddress) -> None:
        """Do what StorageTool does, of which only `meta.properties` differs from node to node."""
        data = self._data(address)
        data.mkdir(parents=True)
        (data / BOOTSTRAP_CHECKPOINT).write_bytes(self._kafka.bootstrap_checkpoint.read_bytes())
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={self.cluster_id}\nnode.id={address.node_id}\n"
            f"directory.id={_random_id()}\n"
        )
        properties = broker_properties(address, self.addresses, data)
        self._properties_file(address).write_text(
            "".join(f"{key}={value}\n" for key, value in properties.items())
        )

    def _data(self, address: BrokerAddress) -> Path:
        return self._folder / "data" / f"{self.name}-{address.node_id}"

    def _properties_file(self, address: BrokerAddress) -> Path:
        return self._data(address).with_suffix(".properties")


def broker_properties(
    address: BrokerAddress, cluster: Sequence[BrokerAddress], data: Path
) -> dict[str, str]:
    """`server.properties` of one broker of the cluster."""
    replicas = min(3, len(cluster))
    in_sync = max(1, replicas - 1)
    voters = ",".join(f"{peer.node_id}@127.0.0.1:{peer.controller_port}" for peer in cluster)
    settings: Mapping[str, object] = {
        "process.roles": "broker,controller",
        "node.id": address.node_id,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{address.port},"
        f"CONTROLLER://127.0.0.1:{address.controller_port}",
        "advertised.listeners": f"PLAINTEXT://localhost:{address.port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 5,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 5,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        # With its default of 128 MiB a small heap ends in OutOfMemoryError.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return {key: str(value) for key, value in settings.items()}


def new_cluster_id() -> str:
    """A cluster id as Kafka makes them: a UUID in 22 characters of URL-safe base64."""
    return _random_id()


def _random_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # command line tools would take it for an option
            return text
