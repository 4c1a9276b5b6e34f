"""Sees records arrive: writes one to the cluster that serves, and waits for it on the other.

A record that arrives says that the mirror copies in this direction, and how long it takes. One that
comes back to where it was written says that the other direction is copied as well.
"""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from contract.mirror import PROBE_TOPIC
from controlplane.probes.connection import client_options
from controlplane.probes.describe import failed
from controlplane.publisher.producer import producer
from controlplane.publisher.topics import create_if_missing
from upstream.closing import close

_CONFIGS = {"cleanup.policy": "delete", "retention.ms": "3600000", "segment.ms": "3600000"}
_PARTITION = TopicPartition(PROBE_TOPIC, 0)
_FORGET = 1000
_FAILURES = (KafkaError, OSError, TimeoutError)


class Sightings(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the records written so far."""

    delay_s: float | None
    """How long the newest that arrived took; None while none has."""
    waiting_s: float
    """How long the oldest that has not arrived is waited for; 0 if all have."""
    came_back: bool
    """One of them came back to the cluster that it was written to, since the look before."""


class Flow:
    """From one cluster to another."""

    def __init__(self, source: Any, target: Any, writer: Any) -> None:
        self._source = source
        self._target = target
        self._writer = writer
        self._written: dict[bytes, float] = {}
        self._copies: dict[bytes, int] = {}
        self._delay_s: float | None = None
        self.came_back = False
        """Whether one ever came back."""

    async def write(self) -> None:
        """Write one more record.

        Raises:
            KafkaError: the source does not take it.
        """
        name = uuid4().hex.encode()
        self._written[name] = time.monotonic()
        self._copies[name] = 0
        while len(self._copies) > _FORGET:
            self._copies.pop(next(iter(self._copies)))
        await self._writer.send_and_wait(PROBE_TOPIC, key=b"probe", value=name)

    async def look(self, wait_s: float = 0.2) -> Sightings:
        """Read what has come in since.

        Raises:
            KafkaError: a cluster does not answer.
        """
        for record in await _read(self._target, wait_s):
            self._arrived(record)
        came_back = False
        for record in await _read(self._source, 0.01):
            if record.value in self._copies:
                self._copies[record.value] += 1
                came_back |= self._copies[record.value] > 1
        self.came_back |= came_back
        now = time.monotonic()
        return Sightings(
            delay_s=self._delay_s,
            waiting_s=max((now - at for at in self._written.values()), default=0.0),
            came_back=came_back,
        )

    def _arrived(self, record: Any) -> None:
        written_at = self._written.pop(record.value, None)
        if written_at is None:
            return
        self._delay_s = time.monotonic() - written_at
        # Delivery is in order: what was written before and is not there will not come any more.
        for name in [n for n, at in self._written.items() if at < written_at]:
            del self._written[name]


async def _read(consumer: Any, wait_s: float) -> list[Any]:
    read = await consumer.getmany(_PARTITION, timeout_ms=int(wait_s * 1000))
    return [record for records in read.values() for record in records]


async def prepare_flow(*clusters: ClusterProperties) -> None:
    """Have the topic on each cluster, so that a mirror that starts begins with it at once.

    Raises:
        KafkaError: a cluster does not answer, or refuses.
    """
    for cluster in clusters:
        await create_if_missing(cluster, PROBE_TOPIC, _CONFIGS)


@asynccontextmanager
async def open_flow(source: ClusterProperties, target: ClusterProperties) -> AsyncIterator[Flow]:
    """Watch from now on.

    Raises:
        UnreachableError: a cluster does not answer.
    """
    async with AsyncExitStack() as opened:
        try:
            await prepare_flow(source, target)
            consumers = [await opened.enter_async_context(_at_end(c)) for c in (source, target)]
            writer = await opened.enter_async_context(producer(source))
        except _FAILURES as error:
            raise await failed(source, error) from error
        yield Flow(consumers[0], consumers[1], writer)


@asynccontextmanager
async def _at_end(cluster: ClusterProperties) -> AsyncIterator[Any]:
    consumer: Any = AIOKafkaConsumer(
        **client_options(cluster), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=100
    )
    try:
        try:
            await consumer.start()
            consumer.assign([_PARTITION])
            await consumer.seek_to_end(_PARTITION)
            await consumer.position(_PARTITION)
        except _FAILURES as error:
            raise await failed(cluster, error) from error
        yield consumer
    finally:
        await close(consumer.stop())
