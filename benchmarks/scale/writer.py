"""Writes to a share of all partitions in each second, and knows how long it waited."""

import time
from typing import Any

from confluent_kafka import Message, Producer

from benchmarks.scale.size import Size
from sandbox.in_background import InBackground

_VALUE = bytes(256)
_PATIENCE_S = 120.0
_EVEN_FOR_S = 3.0
_PRODUCERS = 8
"""An idempotent producer has five requests under way at most, each with one partition: a single one
for hundreds of partitions in a second would wait for itself."""


class ShareWriter(InBackground):
    """A context manager; while it is entered, it writes."""

    def __init__(self, client: dict[str, Any], size: Size) -> None:
        super().__init__(self._run)
        self._size = size
        settings = {**client, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        self._producers = [Producer(settings) for _ in range(_PRODUCERS)]
        self._waits: list[float] = []
        self.failed: list[str] = []
        """What its records were refused for."""

    def _close(self) -> None:
        for producer in self._producers:
            producer.flush(_PATIENCE_S)

    def wait_until_even(self) -> None:
        """Wait until records are acknowledged as they come.

        Whoever is the first to write to 2,000 partitions waits for half a minute, directly at the
        broker as through the gateway, and nobody after that: it is no figure of a switch.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            self._waits = []
            time.sleep(_EVEN_FOR_S)
            if self._waits and self.longest_wait_s() < _EVEN_FOR_S:
                return

    def longest_wait_s(self) -> float:
        """Of the records that were acknowledged since this was asked last."""
        waits, self._waits = self._waits, []
        return max(waits, default=0.0)

    def _run(self) -> None:
        at, begin = 0, time.monotonic()
        pause_s = 1.0 / self._size.written
        while not self._stop.is_set():
            topic, partition = divmod(at % self._size.partitions, self._size.partitions_each)
            written_at = time.monotonic()
            self._producers[at % _PRODUCERS].produce(
                f"t{topic}",
                _VALUE,
                partition=partition,
                on_delivery=lambda error, _, at=written_at: self._delivered(error, at),
            )
            at += 1
            for producer in self._producers:
                producer.poll(0)
            self._stop.wait(max(0.0, begin + at * pause_s - time.monotonic()))

    def _delivered(self, error: object, written_at: float) -> None:
        if error is not None:
            self.failed.append(str(error))
        self._waits.append(time.monotonic() - written_at)


def fill(client: dict[str, Any], size: Size) -> None:
    """Give every partition its records."""
    refused: list[str] = []

    def delivered(error: object, _: Message) -> None:
        if error is not None:
            refused.append(str(error))

    producer = Producer({**client, "linger.ms": 50, "log_level": 0})
    for number in range(size.records):
        for at in range(size.partitions):
            topic, partition = divmod(at, size.partitions_each)
            producer.produce(f"t{topic}", _VALUE, b"%d" % number, partition, on_delivery=delivered)
            producer.poll(0)
    if (left := producer.flush(_PATIENCE_S)) or refused:
        raise RuntimeError(f"{left} records were not written in time, {refused[:3]} were refused")
