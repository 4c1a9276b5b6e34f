"""Members of consumer groups, of several libraries, and what they read."""

import asyncio
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from confluent_kafka import Consumer, KafkaError

from clients.toolchains import java_reader
from reliability.writers import JAVA_CLIENT, aiokafka_settings, java_variables
from sandbox.in_background import InBackground

CLOSED_WITHIN_S: Final = 60
"""Seconds until a Java member has ended: its `close` alone takes up to 30, as a static member does
not leave, and its last commit is tried again while the others join."""

NEWEST_JAVA_CLIENT = "4.3.1"
"""The release whose members of KIP-848 groups are tried; `JAVA_CLIENT` has them as a preview."""


class Given(NamedTuple):
    """A record as it came to the application."""

    at: float
    """Monotonic seconds."""
    topic: str
    value: bytes


def seen_by(readers: "Iterable[Reader]") -> Counter[tuple[str, bytes]]:
    """How often members were given each record, by topic and value."""
    return Counter((given.topic, given.value) for reader in readers for given in reader.given)


class Reader(Protocol):
    """A member of a group, from when it is entered until it is left."""

    given: "list[Given]"
    """What it was given, in order."""
    errors: list[str]
    """What its application was told of."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class LibrdkafkaReader(InBackground):
    """librdkafka, with whatever settings."""

    def __init__(
        self, client: dict[str, Any], group: str, topics: list[str], **settings: Any
    ) -> None:
        super().__init__(self._run)
        self.given: list[Given] = []
        self.errors: list[str] = []
        defaults = {
            "group.id": group,
            "auto.offset.reset": "earliest",
            "error_cb": self._failed,
            "on_commit": self._committed,
        }
        self._consumer = Consumer({**client, **defaults, **settings})
        self._consumer.subscribe(topics)

    def _close(self) -> None:
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(100, timeout=0.1):
                error, topic, value = message.error(), message.topic(), message.value()
                if error is not None:
                    self.errors.append(str(error))
                elif topic is not None and value is not None:
                    self.given.append(Given(time.monotonic(), topic, value))

    def _failed(self, error: KafkaError) -> None:
        self.errors.append(str(error))

    def _committed(self, error: KafkaError | None, partitions: object) -> None:
        if error is not None and error.code() != KafkaError._NO_OFFSET:  # noqa: SLF001 - the library has no other name for it
            self.errors.append(f"commit of {partitions}: {error}")


class AiokafkaReader(InBackground):
    """aiokafka, in a thread with a loop of its own."""

    def __init__(
        self, client: dict[str, Any], group: str, topics: list[str], **settings: Any
    ) -> None:
        super().__init__(lambda: asyncio.run(self._read()))
        self.given: list[Given] = []
        self.errors: list[str] = []
        self._settings = {
            **aiokafka_settings(client),
            "group_id": group,
            "auto_offset_reset": "earliest",
            "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
            **settings,
        }
        self._topics = topics

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(*self._topics, **self._settings)
        await consumer.start()
        try:
            while not self._stop.is_set():
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        self.given.append(
                            Given(time.monotonic(), record.topic, record.value or b"")
                        )
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
        *,
        assignor: str | None = "RoundRobinAssignor",
        version: str = JAVA_CLIENT,
        instance: str = "",
        pause_ms: int = 0,
    ) -> None:
        self.given: list[Given] = []
        self.errors: list[str] = []
        strategy = f"org.apache.kafka.clients.consumer.{assignor}" if assignor is not None else ""
        arguments = [group, ",".join(topics), strategy, instance, str(pause_ms)]
        self._command = [*java_reader(version), *arguments]
        self._variables = java_variables(client)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, **self._variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [
            threading.Thread(target=self._read_records, args=(self._process.stdout,)),
            threading.Thread(target=self._read_log, args=(self._process.stderr,)),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            if self._process.stdin is not None:
                self._process.stdin.write(b"stop\n")
                self._process.stdin.flush()
            self._process.wait(CLOSED_WITHIN_S)
            for thread in self._threads:
                thread.join()

    def _read_records(self, lines: Any) -> None:
        for line in lines:
            topic, value = line.split()
            self.given.append(Given(time.monotonic(), topic.decode(), value))

    def _read_log(self, lines: Any) -> None:
        for line in lines:
            # What a cooperative member logs when it begins anew, its application never hears.
            said = b"ERROR" in line or b"Exception" in line
            if said and b"Will continue to join group" not in line:
                self.errors.append(line.decode().strip())


MakeReader = Callable[[dict[str, Any], str, list[str], int], Reader]
"""Of a client's settings, a group, its topics, and the number of the member."""


def _librdkafka(**settings: Any) -> MakeReader:
    return lambda client, group, topics, _: LibrdkafkaReader(client, group, topics, **settings)


def _java(assignor: str) -> MakeReader:
    return lambda client, group, topics, _: JavaReader(client, group, topics, assignor=assignor)


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
    "librdkafka KIP-848": _librdkafka(**{"group.protocol": "consumer"}),
    "Java KIP-848": lambda client, group, topics, _: JavaReader(
        client, group, topics, assignor=None, version=NEWEST_JAVA_CLIENT
    ),
    "Java KIP-848 static": lambda client, group, topics, number: JavaReader(
        client,
        group,
        topics,
        assignor=None,
        version=NEWEST_JAVA_CLIENT,
        instance=f"i{number}",
    ),
}
"""What kinds of members there are."""
