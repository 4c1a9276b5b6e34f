"""A Kafka cluster whose brokers are controllers as well (KRaft, combined mode)."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.artifacts import run
from sandbox.kafka_release import BOOTSTRAP_CHECKPOINT, KafkaRelease
from sandbox.ports import Ports
from sandbox.probe import BrokerUp, Check, SecureBrokerUp
from sandbox.process import Process, Program
from sandbox.security import Security
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
        security: Security | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        """`overrides` go on top of every broker's properties."""
        self.name = name
        self.addresses = tuple(addresses)
        self.cluster_id = new_cluster_id()
        self._folder = folder
        self._kafka = kafka
        self.security = security
        """How its clients are let in; None: everybody is."""
        self._overrides = dict(overrides or {})
        self.brokers = tuple(Process(self._program(address, heap_mb)) for address in self.addresses)
        """Broker processes, in order of their node ids."""

    @property
    def bootstrap_servers(self) -> str:
        """`localhost:port` of every broker, with commas between."""
        return ",".join(f"localhost:{address.port}" for address in self.addresses)

    @property
    def client_properties(self) -> dict[str, str]:
        """Connection properties of its clients, without its address."""
        return self.security.client_properties() if self.security is not None else {}

    @property
    def librdkafka(self) -> dict[str, str]:
        """Settings of a librdkafka client of the cluster."""
        access = self.security.librdkafka() if self.security is not None else {}
        return {"bootstrap.servers": self.bootstrap_servers, **access}

    def format(self) -> None:
        """Write every broker's log directory and properties file; comes before the first start."""
        checkpoint = self._kafka.bootstrap_checkpoint
        for address in self.addresses:
            self._write_properties(address)
        if self.security is not None:
            checkpoint = self._checkpoint_with_user(self.security)
        for address in self.addresses:
            self._format(address, checkpoint)

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
            ready=self._is_up(address, known),
            address=f"localhost:{address.port}",
            environment=inherited_without("KAFKA_", "CLASSPATH"),
            grace_s=20.0,
        )

    def _is_up(self, address: BrokerAddress, known: frozenset[int]) -> Check:
        if self.security is None:
            return BrokerUp(address.port, known)
        return SecureBrokerUp(address.port, known, self.security.librdkafka())

    def _checkpoint_with_user(self, security: Security) -> Path:
        """Have StorageTool write a checkpoint that holds a user: SCRAM's verifiers live in it."""
        scratch = self._folder / "data" / f"{self.name}-formatted"
        first = self._properties_file(self.addresses[0])
        properties = first.with_suffix(".format")
        properties.write_text(f"{first.read_text()}log.dirs={scratch}\n")
        tool = self._kafka.command(
            "kafka.tools.StorageTool",
            *("format", "-t", self.cluster_id, "-c", str(properties)),
            *("--add-scram", security.scram_argument),
        )
        run(tool, "Kafka's StorageTool failed")
        return scratch / BOOTSTRAP_CHECKPOINT

    def _format(self, address: BrokerAddress, checkpoint: Path) -> None:
        """Do what StorageTool does, of which only `meta.properties` differs from node to node."""
        data = self._data(address)
        data.mkdir(parents=True)
        (data / BOOTSTRAP_CHECKPOINT).write_bytes(checkpoint.read_bytes())
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={self.cluster_id}\nnode.id={address.node_id}\n"
            f"directory.id={_random_id()}\n"
        )

    def _write_properties(self, address: BrokerAddress) -> None:
        file = self._properties_file(address)
        file.parent.mkdir(parents=True, exist_ok=True)
        properties = broker_properties(address, self.addresses, self._data(address), self.security)
        properties |= self._overrides
        file.touch(mode=0o600)
        file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))

    def _data(self, address: BrokerAddress) -> Path:
        return self._folder / "data" / f"{self.name}-{address.node_id}"

    def _properties_file(self, address: BrokerAddress) -> Path:
        return self._data(address).with_suffix(".properties")


def broker_properties(
    address: BrokerAddress,
    cluster: Sequence[BrokerAddress],
    data: Path,
    security: Security | None = None,
) -> dict[str, str]:
    """`server.properties` of one broker of the cluster."""
    listener, protocol = ("PLAINTEXT", "PLAINTEXT") if security is None else ("SASL", "SASL_SSL")
    replicas = min(3, len(cluster))
    in_sync = max(1, replicas - 1)
    voters = ",".join(f"{peer.node_id}@127.0.0.1:{peer.controller_port}" for peer in cluster)
    settings: Mapping[str, object] = {
        "process.roles": "broker,controller",
        "node.id": address.node_id,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{listener}://127.0.0.1:{address.port},"
        f"CONTROLLER://127.0.0.1:{address.controller_port}",
        "advertised.listeners": f"{listener}://localhost:{address.port}",
        "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{listener}:{protocol}",
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
    secured = security.broker_properties(listener) if security is not None else {}
    return {key: str(value) for key, value in settings.items()} | secured


def new_cluster_id() -> str:
    """A cluster id as Kafka makes them: a UUID in 22 characters of URL-safe base64."""
    return _random_id()


def _random_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):  # command line tools would take it for an option
            return text
