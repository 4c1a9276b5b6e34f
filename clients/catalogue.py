"""The clients of the matrix: library, version, what prepares it and what runs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from clients import toolchains
from clients.steps import CLIENT_STEPS, CONNECT_STEPS, STREAMS_STEPS

Command = Sequence[str]


@dataclass(frozen=True)
class Client:
    """One column of the matrix."""

    name: str
    """Short, unique, fit for a topic's name."""
    title: str
    """The library, as people know it."""
    version: str
    prepare: Callable[[], Command]
    """Builds the program into the cache if need be; returns the command that runs it.

    Raises SandboxError if that cannot be done here."""
    steps: Mapping[str, str] = field(default_factory=lambda: CLIENT_STEPS)
    patience_s: float = 180
    """A program that takes longer is ended."""


def _java(version: str) -> Client:
    name = f"java-{version.rsplit('.', 1)[0]}"
    return Client(name, "Java kafka-clients", version, lambda: toolchains.java_exercise(version))


CLIENTS: Final = (
    _java("2.8.2"),
    _java("3.9.1"),
    _java("4.3.1"),
    Client(
        "java-4.3-848",
        "Java kafka-clients, group.protocol=consumer",
        "4.3.1",
        lambda: toolchains.java_exercise("4.3.1", "consumer"),
    ),
    Client(
        "confluent-kafka",
        "librdkafka (confluent-kafka-python)",
        toolchains.installed_version("confluent-kafka"),
        lambda: toolchains.own_python("confluent_kafka_client.py"),
    ),
    Client(
        "confluent-kafka-848",
        "librdkafka (confluent-kafka-python), group.protocol=consumer",
        toolchains.installed_version("confluent-kafka"),
        lambda: toolchains.own_python("confluent_kafka_client.py", "consumer"),
    ),
    Client(
        "aiokafka",
        "aiokafka",
        toolchains.pinned_version("aiokafka"),
        lambda: toolchains.pinned_python("aiokafka_client.py"),
    ),
    Client(
        "kafka-python",
        "kafka-python",
        toolchains.pinned_version("kafka-python"),
        lambda: toolchains.pinned_python("kafka_python_client.py"),
    ),
    Client("sarama", "sarama (Go)", "1.61.1", lambda: toolchains.go_program("sarama")),
    Client(
        "sarama-1.45",
        "sarama (Go), which takes no notice of what is offered",
        "1.45.2",
        lambda: toolchains.go_program("sarama-older"),
    ),
    Client(
        "sarama-pinned",
        "sarama (Go), versions pinned, asks no ApiVersions",
        "1.61.1",
        lambda: toolchains.go_program("sarama", "pinned"),
    ),
    Client("franz-go", "franz-go (Go)", "1.22.2", lambda: toolchains.go_program("franz")),
    Client(
        "kafka-go", "segmentio/kafka-go (Go)", "0.4.51", lambda: toolchains.go_program("segmentio")
    ),
    Client("kafkajs", "kafkajs (Node)", "2.2.4", toolchains.node_program),
    Client("rdkafka", "rdkafka (Rust)", "0.39.0", toolchains.rust_program),
)
"""All of them, oldest acquaintances first."""

STREAMS: Final = Client(
    "streams", "Kafka Streams", "4.3.1", toolchains.streams_program, STREAMS_STEPS
)
CONNECT: Final = Client(
    "connect", "Kafka Connect", "4.3.1", toolchains.connect_program, CONNECT_STEPS
)
