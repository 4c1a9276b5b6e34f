"""Producers of numbered records, of several libraries, and what became of each record."""

import asyncio
import itertools
import os
import subprocess
import threading
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaError, Message, Producer

from clients.toolchains import java_writer
from reliability.history import Partition, Value, Write
from sandbox.in_background import InBackground

JAVA_CLIENT = "3.9.1"
BURST = 5
"""Records that are sent at once: as many requests as an idempotent producer has in flight."""
CODECS = ("zstd", "snappy", "lz4", "gzip", "none")
"""All that Kafka knows; writers take them in turn."""
PADDING = b"x" * 200
"""In a header of each record: what is too short comes out longer, and is left as it is then."""
_turns = itertools.cycle(CODECS)


class Target(Protocol):
    """What a writer writes to."""

    @property
    def topic(self) -> str:
        """Logical name."""
        ...

    @property
    def partitions(self) -> int:
        """How many."""
        ...

    @property
    def pause_s(self) -> float:
        """Seconds between two bursts."""
        ...


class Writer(InBackground):
    """Writes from when it is entered until it is left; then everything sent has an outcome."""

    def __init__(self, name: str, client: dict[str, Any], target: Target) -> None:
        super().__init__(self._run_safely, name)
        self.name = name
        self.errors: list[str] = []
        """What the application was told of."""
        self.codec = next(_turns)
        self._client = client
        self._target = target
        self._sent = 0
        self._acknowledged: dict[int, float] = {}

    @property
    def acknowledged(self) -> int:
        """How many records were acknowledged so far."""
        return len(self._acknowledged)

    def acknowledged_after(self, moment: float) -> list[float]:
        """When records were acknowledged since then, in no order."""
        return [at for at in list(self._acknowledged.values()) if at > moment]

    def longest_wait(self, since: float) -> float:
        """Longest time between two acknowledgements in a row from then until now, in seconds."""
        times = sorted(at for at in list(self._acknowledged.values()) if at >= since)
        marks = [since, *times, time.monotonic()]
        return max(after - before for before, after in pairwise(marks))

    def writes(self) -> list[Write]:
        """Every record that was sent."""
        return [
            Write(
                Partition(self._target.topic, number % self._target.partitions),
                Value(self.name, number),
                self._acknowledged.get(number),
            )
            for number in range(self._sent)
        ]

    def _run_safely(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - whatever reaches the application counts
            self.errors.append(repr(error))

    def _run(self) -> None:
        raise NotImplementedError

    def _next(self) -> tuple[int, int, bytes]:
        """Number, partition and value of the next record."""
        number, self._sent = self._sent, self._sent + 1
        return number, number % self._target.partitions, str(Value(self.name, number)).encode()


class LibrdkafkaWriter(Writer):
    """librdkafka, idempotent."""

    def _run(self) -> None:
        settings = {
            "enable.idempotence": True,
            "linger.ms": 0,
            "compression.type": self.codec,
            "error_cb": self._failed,
        }
        producer = Producer({**self._client, **settings})
        while not self._stop.wait(self._target.pause_s):
            for _ in range(BURST):
                _, partition, value = self._next()
                producer.produce(
                    self._target.topic,
                    value,
                    self.name,
                    partition=partition,
                    on_delivery=self._delivered,
                    headers={"padding": PADDING},
                )
            producer.poll(0)
        if left := producer.flush(60):
            self.errors.append(f"{left} records have no outcome")

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.errors.append(f"{message.value()!r}: {error}")
            return
        value = message.value()
        if value is not None:
            self._acknowledged[Value.parse(value.decode()).number] = time.monotonic()

    def _failed(self, error: KafkaError) -> None:
        self.errors.append(str(error))


class TransactionalWriter(Writer):
    """Writes bursts in transactions: a record counts once its transaction is committed."""

    def __init__(
        self, name: str, client: dict[str, Any], target: Target, transactional_id: str
    ) -> None:
        super().__init__(name, client, target)
        self._transactional_id = transactional_id


class TransactionalLibrdkafkaWriter(TransactionalWriter):
    """librdkafka with a transactional id."""

    def _run(self) -> None:
        producer = Producer(
            {
                **self._client,
                "transactional.id": self._transactional_id,
                "linger.ms": 0,
                "compression.type": self.codec,
                "error_cb": lambda error: self.errors.append(str(error)),
            }
        )
        producer.init_transactions(30)
        while not self._stop.wait(self._target.pause_s):
            producer.begin_transaction()
            numbers = []
            for _ in range(BURST):
                number, partition, value = self._next()
                producer.produce(
                    self._target.topic,
                    value,
                    self.name,
                    partition=partition,
                    headers={"padding": PADDING},
                )
                numbers.append(number)
            producer.commit_transaction(30)
            self._acknowledged |= dict.fromkeys(numbers, time.monotonic())


class AiokafkaWriter(Writer):
    """aiokafka, idempotent, in a loop of its own."""

    def _run(self) -> None:
        asyncio.run(self._write())

    async def _write(self) -> None:
        producer = AIOKafkaProducer(
            **aiokafka_settings(self._client),
            enable_idempotence=True,
            compression_type=_of_aiokafka(self.codec),
        )
        await producer.start()
        try:
            async with asyncio.TaskGroup() as waiting:
                while not self._stop.is_set():
                    for _ in range(BURST):
                        number, partition, value = self._next()
                        sent = await producer.send(
                            self._target.topic,
                            value,
                            self.name.encode(),
                            partition,
                            headers=[("padding", PADDING)],
                        )
                        waiting.create_task(self._await_outcome(number, sent))
                    await asyncio.sleep(self._target.pause_s)
        finally:
            await producer.stop()

    async def _await_outcome(self, number: int, sent: Any) -> None:
        try:
            await sent
        except Exception as error:  # noqa: BLE001 - whatever reaches the application counts
            self.errors.append(f"{number}: {error!r}")
        else:
            self._acknowledged[number] = time.monotonic()


class TransactionalAiokafkaWriter(TransactionalWriter):
    """aiokafka with a transactional id."""

    def _run(self) -> None:
        asyncio.run(self._write())

    async def _write(self) -> None:
        producer = AIOKafkaProducer(
            **aiokafka_settings(self._client),
            transactional_id=self._transactional_id,
            compression_type=_of_aiokafka(self.codec),
        )
        await producer.start()
        try:
            while not self._stop.is_set():
                numbers = []
                async with producer.transaction():
                    for _ in range(BURST):
                        number, partition, value = self._next()
                        await producer.send(
                            self._target.topic,
                            value,
                            self.name.encode(),
                            partition,
                            headers=[("padding", PADDING)],
                        )
                        numbers.append(number)
                self._acknowledged |= dict.fromkeys(numbers, time.monotonic())
                await asyncio.sleep(self._target.pause_s)
        finally:
            await producer.stop()


class JavaWriter(Writer):
    """Kafka's own client as a process: idempotent, or with a transactional id."""

    def __init__(
        self, name: str, client: dict[str, Any], target: Target, transactional_id: str = ""
    ) -> None:
        super().__init__(name, client, target)
        pause_ms = str(round(target.pause_s * 1000))
        self._command = [
            *java_writer(JAVA_CLIENT),
            *(target.topic, str(target.partitions), name, transactional_id, pause_ms),
        ]

    def _run(self) -> None:
        with subprocess.Popen(
            self._command,
            env={**os.environ, **java_variables(self._client), "COMPRESSION_TYPE": self.codec},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            readers = [
                threading.Thread(target=self._read_outcomes, args=(process.stdout,)),
                threading.Thread(target=self._read_log, args=(process.stderr,)),
            ]
            for reader in readers:
                reader.start()
            self._stop.wait()
            with suppress(BrokenPipeError):
                assert process.stdin is not None  # noqa: S101 - it is a pipe
                process.stdin.write(b"stop\n")
                process.stdin.close()
            for reader in readers:
                reader.join()
            if process.wait(60) != 0:
                self.errors.append(f"ended with {process.returncode}")

    def _read_outcomes(self, lines: Any) -> None:
        for line in lines:
            said, number = line.split()
            if said == b"sent":
                self._sent = int(number) + 1
            else:
                self._acknowledged[int(number)] = time.monotonic()

    def _read_log(self, lines: Any) -> None:
        for line in lines:
            if b"ERROR" in line or b"Exception" in line:
                self.errors.append(line.decode().strip())


def _of_aiokafka(codec: str) -> str | None:
    return codec if codec != "none" else None


def java_variables(client: dict[str, Any]) -> dict[str, str]:
    """What a Java program of `clients/` is told by its environment."""
    return {
        "KAFKA_BOOTSTRAP": client["bootstrap.servers"],
        "KAFKA_USERNAME": client["sasl.username"],
        "KAFKA_PASSWORD": client["sasl.password"],
        "NAME_PREFIX": "",
    }


def aiokafka_settings(client: dict[str, Any]) -> dict[str, Any]:
    """Librdkafka's settings in aiokafka's words."""
    return {
        "bootstrap_servers": client["bootstrap.servers"],
        "security_protocol": client["security.protocol"],
        "sasl_mechanism": client["sasl.mechanism"],
        "sasl_plain_username": client["sasl.username"],
        "sasl_plain_password": client["sasl.password"],
    }
