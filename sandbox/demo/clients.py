"""Clients that run across the switch: three libraries, each as an application would use it."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaError as LibrdkafkaError
from confluent_kafka import Message, Producer

from sandbox.in_background import InBackground

PAUSE = 0.02
"""Seconds between two records of one producer."""

FLUSH_LIMIT = 30
"""Seconds that a producer gets for its last acknowledgements."""


REQUEST_TIMEOUT_MS = "30000"
"""What applications have (`request.timeout.ms`). The console producer's own default is 1,500: it
would close its connection if a busy machine takes longer to switch."""


class Worker(InBackground):
    """A client in a thread of its own, from entering to leaving."""

    def __init__(self) -> None:
        """Not running yet."""
        super().__init__(self._run)
        self.errors: list[str] = []
        """What reached the application."""

    def _run(self) -> None:
        raise NotImplementedError


class ConsoleProducer(Worker):
    """Kafka's Java console producer, idempotent as it comes, fed through its standard input."""

    def __init__(self, tools: Path, bootstrap: str, properties: Path, topic: str) -> None:
        """Produce `java-0`, `java-1`, ... to a topic."""
        super().__init__()
        self._command = [
            str(tools / "kafka-console-producer"),
            *("--bootstrap-server", bootstrap),
            *("--producer.config", str(properties)),
            *("--topic", topic),
            *("--request-timeout-ms", REQUEST_TIMEOUT_MS),
            *("--compression-codec", "snappy"),
        ]
        self.acknowledged: list[bytes] = []
        """Once stopped: everything that was sent, for the tool ends in peace only with that."""

    def _run(self) -> None:
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            assert process.stdin is not None  # noqa: S101 - asked for above
            assert process.stderr is not None  # noqa: S101 - asked for above
            sent = 0
            while not self._stop.wait(PAUSE):
                value = b"java-%d" % sent
                process.stdin.write(value + b"\n")
                process.stdin.flush()
                self.acknowledged.append(value)
                sent += 1
            process.stdin.close()
            said = process.stderr.read().decode()
        self.errors += [line for line in said.splitlines() if "ERROR" in line]
        if process.returncode:
            self.errors.append(f"kafka-console-producer ended with {process.returncode}")


CODECS = ("gzip", "lz4", "zstd", "snappy", "none")
"""All that Kafka knows."""
PADDING = b"x" * 200
"""In a header of each record: what is too short comes out longer, and is left as it is then."""


class IdempotentProducer(Worker):
    """librdkafka's idempotent producer, one for each codec; they write in turn."""

    def __init__(self, client: dict[str, Any], topic: str) -> None:
        """Produce `librdkafka-0`, `librdkafka-1`, ... to a topic."""
        super().__init__()
        self._producers = [
            Producer(
                {
                    **client,
                    "enable.idempotence": True,
                    "error_cb": self._failed,
                    "linger.ms": 5,
                    "compression.type": codec,
                }
            )
            for codec in CODECS
        ]
        self._topic = topic
        self.acknowledged: list[bytes] = []

    def _run(self) -> None:
        sent = 0
        while not self._stop.is_set():
            self._produce(sent)
            sent += 1
        left = sum(producer.flush(FLUSH_LIMIT) for producer in self._producers)
        if left:
            self.errors.append(f"{left} records were never acknowledged")
        # Their threads end with them, and would miss the gateway later on.
        self._producers.clear()

    def _produce(self, number: int) -> None:
        producer = self._producers[number % len(CODECS)]
        producer.produce(
            self._topic,
            b"librdkafka-%d" % number,
            on_delivery=self._delivered,
            headers={"padding": PADDING},
        )
        producer.poll(PAUSE)

    def _delivered(self, error: LibrdkafkaError | None, message: Message) -> None:
        value = message.value()
        if error is not None:
            self.errors.append(str(error))
        elif isinstance(value, bytes):
            self.acknowledged.append(value)

    def _failed(self, error: LibrdkafkaError) -> None:
        self.errors.append(str(error))


class GroupConsumer(Worker):
    """aiokafka's consumer in a group, committing as it comes."""

    def __init__(self, client: dict[str, Any], topic: str, group: str) -> None:
        """Read a topic from its beginning."""
        super().__init__()
        self._client = client
        self._topic = topic
        self._group = group
        self.consumed: list[bytes] = []

    def _run(self) -> None:
        asyncio.run(self._consume())

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            self._topic,
            group_id=self._group,
            auto_offset_reset="earliest",
            auto_commit_interval_ms=500,
            **self._client,
        )
        await consumer.start()
        try:
            while not self._stop.is_set():
                batches = await consumer.getmany(timeout_ms=200)
                for messages in batches.values():
                    self.consumed += [m.value for m in messages if m.value is not None]
        except KafkaError as error:
            self.errors.append(repr(error))
        finally:
            await consumer.stop()
