"""Members of consumer groups, of several libraries, and what they read."""

import asyncio
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from confluent_kafka import Consumer, KafkaError

from clients.toolchains import java_reader

JAVA_CLIENT = "3.9.1"


class Reader(Protocol):
    """A member of a group, from when it is entered until it is left."""

    seen: Counter[tuple[str, bytes]]
    """How often it was given each record, by topic and value."""
    errors: list[str]
    """What its application was told of."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class LibrdkafkaReader:
    """librdkafka, with whatever settings."""

    def __init__(self, client: dict[str, Any], group: str, topics: list[str], **settings: Any):
        self.seen: Counter[tuple[str, bytes]] = Counter()
        self.errors: list[str] = []
        defaults = {
            "group.id": group,
            "auto.offset.reset": "earliest",
            "error_cb": self._failed,
            "on_commit": self._committed,
        }
        self._consumer = Consumer({**client, **defaults, **settings})
        self._consumer.subscribe(topics)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(100, timeout=0.1):
                error, topic, value = message.error(), message.topic(), message.value()
                if error is not None:
                    self.errors.append(str(error))
                elif topic is not None and value is not None:
                    self.seen[topic, value] += 1

    def _failed(self, error: KafkaError) -> None:
        self.errors.append(str(error))

    def _committed(self, error: KafkaError | None, partitions: object) -> None:
        if error is not None and error.code() != KafkaError._NO_OFFSET:
            self.errors.append(f"commit of {partitions}: {error}")


class AiokafkaReader:
    """aiokafka, in a thread with a loop of its own."""

    def __init__(self, client: dict[str, Any], group: str, topics: list[str], **settings: Any):
        self.seen: Counter[tuple[str, bytes]] = Counter()
        self.errors: list[str] = []
        self._settings = {
            "bootstrap_servers": client["bootstrap.servers"],
            "security_protocol": client["security.protocol"],
            "sasl_mechanism": client["sasl.mechanism"],
            "sasl_plain_username": client["sasl.username"],
            "sasl_plain_password": client["sasl.password"],
            "group_id": group,
            "auto_offset_reset": "earliest",
            "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
            **settings,
        }
        self._topics = topics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        consumer = AIOKafkaConsumer(*self._topics, **self._settings)
        await consumer.start()
        try:
            while not self._stop.is_set():
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        self.seen[record.topic, record.value] += 1
        except Exception as error:  # noqa: BLE001 - whatever reaches the application counts
            self.errors.append(repr(error))
        finally:
            await consumer.stop()


class JavaReader:
    """Kafka's own client, as a process."""

    def __init__(
        self,
        client: dict[str, Any],
        group: str,
        topics: list[str],
        assignor: str = "RoundRobinAssignor",
        instance: str = "",
        pause_ms: int = 0,
    ) -> None:
        self.seen: Counter[tuple[str, bytes]] = Counter()
        self.errors: list[str] = []
        assignor = f"org.apache.kafka.clients.consumer.{assignor}"
        arguments = [group, ",".join(topics), assignor, instance, str(pause_ms)]
        self._command = [*java_reader(JAVA_CLIENT), *arguments]
        self._variables = {
            "KAFKA_BOOTSTRAP": client["bootstrap.servers"],
            "KAFKA_USERNAME": client["sasl.username"],
            "KAFKA_PASSWORD": client["sasl.password"],
            "NAME_PREFIX": "",
        }
        self._threads = [
            threading.Thread(target=self._read_records),
            threading.Thread(target=self._read_log),
        ]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(b"stop\n", timeout=0.01)
        self._process.wait(30)
        for thread in self._threads:
            thread.join()

    def _read_records(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            topic, value = line.split()
            self.seen[topic.decode(), value] += 1

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if b"ERROR" in line or b"Exception" in line:
                self.errors.append(line.decode().strip())


MakeReader = Callable[[dict[str, Any], str, list[str], int], Reader]
"""Of a client's settings, a group, its topics, and the number of the member."""


def _librdkafka(**settings: Any) -> MakeReader:
    return lambda client, group, topics, _: LibrdkafkaReader(client, group, topics, **settings)


def _java(assignor: str) -> MakeReader:
    return lambda client, group, topics, _: JavaReader(client, group, topics, assignor)


READERS: dict[str, MakeReader] = {
    "librdkafka eager": _librdkafka(**{"partition.assignment.strategy": "roundrobin"}),
    "librdkafka cooperative": _librdkafka(
        **{"partition.assignment.strategy": "cooperative-sticky"}
    ),
    "librdkafka static": lambda client, group, topics, number: LibrdkafkaReader(
        client,
        group,
        topics,
        **{"partition.assignment.strategy": "roundrobin", "group.instance.id": f"i{number}"},
    ),
    "aiokafka eager": lambda client, group, topics, _: AiokafkaReader(client, group, topics),
    "Java eager": _java("RoundRobinAssignor"),
    "Java cooperative": _java("CooperativeStickyAssignor"),
    "Java static": lambda client, group, topics, number: JavaReader(
        client, group, topics, instance=f"i{number}"
    ),
}
"""What kinds of members there are."""
