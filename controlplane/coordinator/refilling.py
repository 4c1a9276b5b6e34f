"""Has the mirror begin anew with topics that were made again, if it passed over their beginning."""

import asyncio
import time
from collections.abc import Collection

import structlog
from aiokafka import TopicPartition

from contract.mirror import Direction
from contract.records import TopicMapping
from controlplane.domain import events
from controlplane.domain.mirror.events import Position
from controlplane.domain.mirror.refilling import Refilling, begun, due, looked_at
from controlplane.domain.mirror.together import copied_scopes
from controlplane.mirrors.runner import Runner
from controlplane.plane import ControlPlane
from controlplane.probes.parity.beginnings import ClusterReaders, Known, surplus_before
from controlplane.probes.readers import Readers
from controlplane.store.event_store import Attribution

_logger = structlog.get_logger()

_EVERY_S = 5.0
_ARRIVES_WITHIN_S = 60.0
"""A mirror that was started begins to copy."""
_AGAIN_S = 0.5
_LOOKED_AT_FOR_S = 600.0
"""A mirror that runs notices at once, and a topic may stay empty for long."""


class Refiller:
    """Of one direction after the other."""

    def __init__(self, plane: ControlPlane, runner: Runner) -> None:
        self._plane = plane
        self._runner = runner
        self._look_at = 0.0
        self._known = Refilling()
        self._met: dict[tuple[str, int], float] = {}
        """Topics and the events with which they were made, and when they were looked at first."""
        self._settled: dict[str, int] = {}
        """Topics that need no further look, and the event with which they were made."""

    async def tend(self, direction: Direction) -> None:
        """Look, if it is time to, and do what is due.

        Raises:
            MirrorUnavailableError: whoever runs the mirror does not do as told.
            LookError: a cluster does not answer.
        """
        now = time.monotonic()
        suspects = self._suspects(direction)
        if not suspects or now < self._look_at:
            return
        self._look_at = now + _EVERY_S
        readers = Readers(self._plane.settings.clusters)
        try:
            found, lacking = await self._look(readers, direction, suspects)
            for topic, seq in suspects.items():
                met = self._met.setdefault((topic, seq), now)
                if topic in found or (topic not in lacking and now >= met + _LOOKED_AT_FOR_S):
                    self._settled[topic] = seq
                    del self._met[topic, seq]
            self._known = looked_at(self._known, lacking, now)
            if topics := due(self._known, now):
                await self._refill(readers, direction, topics)
        finally:
            await readers.close()

    def _suspects(self, direction: Direction) -> dict[str, int]:
        """Topics that are copied, and were made anew while the mirror ran in this direction."""
        facts, scope = self._plane.ledger.facts, self._plane.settings.scope
        reversal = facts.newest_reversal(scope)
        begun_seq = (reversal.ended_seq or 0) if reversal is not None else 0
        scopes = copied_scopes(facts, direction.source)
        ours = facts.topics_in(*scopes) if facts.topic_history.made_anew else ()
        return {
            topic: seq
            for topic, seq in facts.topic_history.made_anew.items()
            if seq > begun_seq and topic in ours and self._settled.get(topic) != seq
        }

    async def _look(
        self, readers: Readers, direction: Direction, topics: Collection[str]
    ) -> tuple[set[str], set[str]]:
        """Topics whose first records stand in their copies, and those of which one does not."""
        source, target = [
            ClusterReaders(await readers.of(name), await readers.imprints_of(name))
            for name in (direction.source, direction.target)
        ]
        theirs = set(await target.ends.partitions(topics))
        ours = await source.ends.partitions(topics)
        known: dict[TopicPartition, Known] = {}
        await surplus_before(source, target, [p for p in ours if p in theirs], (), known)
        lacking = {p.topic for p, found in known.items() if found.lacks_the_first}
        is_found = {p: p in known and known[p].until is None for p in ours}
        return {p.topic for p in ours} - {p.topic for p in ours if not is_found[p]}, lacking

    async def _refill(
        self, readers: Readers, direction: Direction, topics: Collection[str]
    ) -> None:
        self._known = begun(self._known, time.monotonic())
        _logger.warning(
            "mirror.begins_anew",
            direction=str(direction),
            detail="it passed over the first records of topics that were made again",
            topics=sorted(topics),
        )
        partitions = await (await readers.of(direction.source)).partitions(topics)
        positions = tuple(
            Position(topic=p.topic, partition=p.partition, offset=None) for p in partitions
        )
        running = await self._runner.running()
        self._plane.mirror_refills = True
        try:
            await self._runner.run(None)
            await self._runner.seed(direction, positions)
            await self._runner.run(direction, running.left_out or ())
            await self._until_it_arrives(readers, direction, topics)
        finally:
            self._plane.mirror_refills = False
        await self._tell_that_it_was_made_anew(topics)

    async def _until_it_arrives(
        self, readers: Readers, direction: Direction, topics: Collection[str]
    ) -> None:
        give_up_at = time.monotonic() + _ARRIVES_WITHIN_S
        lacking = set(topics)
        while lacking and time.monotonic() < give_up_at:
            await asyncio.sleep(_AGAIN_S)
            _, lacking = await self._look(readers, direction, topics)

    async def _tell_that_it_was_made_anew(self, topics: Collection[str]) -> None:
        """What was seen of their copies so far is not true any more."""
        by = Attribution(actor="system:coordinator", reason="the mirror began anew with this topic")
        async with self._plane.ledger.turn(by) as turn:
            again = [
                events.TopicMapped(
                    vcluster=topic.vcluster,
                    logical=topic.logical,
                    physical=topic.physical,
                    partitions=topic.partitions,
                    replication_factor=topic.replication_factor,
                    configs=topic.configs,
                )
                for topic in turn.facts.control.of(TopicMapping)
                if topic.physical in topics
            ]
            for recorded in await turn.append(again):
                if isinstance(recorded.event, events.TopicMapped):
                    self._settled[recorded.event.physical] = recorded.seq
