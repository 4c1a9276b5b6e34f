"""The control topic: every control record, in the order of the log, written by one leader."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka.errors import ProducerFenced

from contract.codec import LAYOUT, encode
from contract.records import CONTROL_TOPIC, Beacon, Record, Routing, key_of
from controlplane.domain.anchors import signature
from controlplane.plane import ControlPlane
from controlplane.publisher.producer import KAFKA_FAILURES, WRITE_BUDGET_S, producer, send_all
from controlplane.publisher.topics import create_if_missing, delete_and_wait

_logger = structlog.get_logger()

_CONFIGS = {
    "unclean.leader.election.enable": "false",
    "min.compaction.lag.ms": str(10 * 60 * 1000),
    "delete.retention.ms": str(7 * 86_400 * 1000),
    "message.timestamp.type": "LogAppendTime",
}
_AGAIN_S = 0.5
_IDLE_S = 5.0
_ANCHOR_EVERY_S = 5.0
"""Events that make no record get a beacon too, as it anchors them, but not one for each."""


class FencedError(Exception):
    """Another control plane leads: it has taken the transactional id."""


class ControlTopicPublisher:
    """Publishes for as long as this control plane leads."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._ledger = plane.ledger
        self._cluster = plane.settings.control_cluster
        self._position_key = position_key(plane)
        self._rebuilt_key = rebuilt_key(plane)
        self._anchored_seq = 0
        self._anchored_at = time.monotonic()

    async def run(self) -> None:
        """Publish for ever, each time with a new producer when one failed.

        Raises:
            FencedError: this control plane does not lead any more.
        """
        while True:
            try:
                await self._publish()
            except ProducerFenced as error:
                raise FencedError(str(error)) from error
            except KAFKA_FAILURES as error:
                _logger.warning(
                    "control_topic.not_written",
                    cluster=self._cluster.name,
                    detail=str(error) or type(error).__name__,
                )
            await asyncio.sleep(_AGAIN_S)

    async def _publish(self) -> None:
        """Publish with one producer until it fails, or until the topic is to be rebuilt."""
        rebuilding = await self._rebuild_asked_for()
        if rebuilding is not None:
            async with asyncio.timeout(WRITE_BUDGET_S):
                await delete_and_wait(self._cluster, CONTROL_TOPIC)
        async with asyncio.timeout(WRITE_BUDGET_S):
            created = await create_if_missing(self._cluster, CONTROL_TOPIC, _CONFIGS)
        empty = created or rebuilding is not None
        position = 0 if empty else await self._plane.publications.last(self._position_key)
        async with producer(self._cluster, f"interlock-{self._ledger.facts.log}") as opened:
            # Nobody who knows less writes here any more; and this one, does it know all?
            if await self._plane.copies.look():
                return
            # The newest routing first: compaction keeps what was written last, and that could be
            # what a leader wrote that did not know yet that it leads no more.
            await self._write(opened, self._routing(position))
            while True:
                position = await self._write_since(opened, position)
                if rebuilding is not None:
                    await self._plane.publications.move(self._rebuilt_key, rebuilding)
                rebuilding = await self._rebuild_asked_for()
                if rebuilding is not None:
                    return
                if self._ledger.facts.seq == position:
                    await self._ledger.changed.wait(_IDLE_S)

    async def _rebuild_asked_for(self) -> int | None:
        if any(self._ledger.facts.open_switches()):
            return None
        asked = self._ledger.facts.rebuild_seq
        done = await self._plane.publications.last(self._rebuilt_key)
        return asked if asked > done else None

    def _routing(self, position: int) -> list[Record]:
        """What the topic has of the routing already; what is newer comes in its turn."""
        control = self._ledger.facts.control
        records = (control.record(key_of(routing)) for routing in control.of(Routing))
        return [record for record in records if record is not None and record.seq <= position]

    async def _write_since(self, opened: Any, position: int) -> int:
        facts = self._ledger.facts
        head, records = facts.seq, list(self._ledger.records_after(position))
        if records or self._anchor_is_due(head):
            await self._write(opened, [*records, self._beacon()])
            self._anchored_seq, self._anchored_at = head, time.monotonic()
        if head > position:
            await self._plane.publications.move(self._position_key, head)
        self._plane.published_seq = head
        self._ledger.changed.beat()
        return head

    def _anchor_is_due(self, head: int) -> bool:
        return head > self._anchored_seq and time.monotonic() - self._anchored_at > _ANCHOR_EVERY_S

    def _beacon(self) -> Record:
        """What says up to where the topic is written, and anchors the log there."""
        head = self._ledger.head()
        beacon = Beacon(
            seq=head.seq,
            digest=self._ledger.facts.control.digest(),
            layout=LAYOUT,
            hash=head.hash,
            signature=signature(head, self._plane.settings.token_key),
        )
        return Record(log=head.log, seq=head.seq, key=key_of(beacon), state=beacon)

    async def _write(self, opened: Any, records: Sequence[Record]) -> None:
        if not records:
            return
        async with asyncio.timeout(WRITE_BUDGET_S):
            await opened.begin_transaction()
            await send_all(
                opened,
                (
                    {
                        "topic": CONTROL_TOPIC,
                        "key": record.key.encode(),
                        "value": encode(record),
                        "partition": 0,
                    }
                    for record in records
                ),
            )
            await opened.commit_transaction()


def position_key(plane: ControlPlane) -> str:
    """Where it is noted up to which event the control topic is written."""
    return f"{CONTROL_TOPIC}@{plane.settings.control_cluster.name}"


def rebuilt_key(plane: ControlPlane) -> str:
    """Where it is noted up to which request the control topic was rebuilt."""
    return f"{position_key(plane)}/rebuilt"
