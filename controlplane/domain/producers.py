"""Which idempotent producers' last writes are worth recording when a scope is switched."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from contract.producer_ids import FIRST_UNIQUE, generation, lineage
from contract.records import Producers, Writer

GIVEN_UP_AFTER_MS: Final = 600_000
"""A producer has given up on a write by then: after 2 minutes in Java, 5 in librdkafka."""
_MOST_RECENT: Final = 2000
"""Producers of one topic that are recorded."""
_MOST_OLDER: Final = 100
"""The same where the last record is older: its timestamp is what the application says."""


class SeenProducers(NamedTuple):
    """A producer in a partition, as a cluster describes it."""

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp: int


def recorded(
    seen: Iterable[SeenProducers], known: Iterable[Producers], scope: str, now_ms: int
) -> tuple[Producers, ...]:
    """What the control records are to say, by topic; without writers where one is to go.

    Args:
        seen: the producers of all topics of the scope.
        known: the records of the switch before. What they say of producers that have not written
            since is kept for as long as these may still repeat a write.
        scope: the scope.
        now_ms: epoch milliseconds.
    """
    kept = {producers.physical: _still_awaited(producers, now_ms) for producers in known}
    for topic, newest in _newest(seen).items():
        kept[topic] = kept.get(topic, {}) | newest
    return tuple(
        Producers(
            scope=scope, physical=topic, recorded_at=now_ms, writers=_bounded(writers, now_ms)
        )
        for topic, writers in sorted(kept.items())
    )


_Writers = dict[tuple[int, int], Writer]
"""By partition and producer."""


def _still_awaited(producers: Producers, now_ms: int) -> _Writers:
    if now_ms - producers.recorded_at > GIVEN_UP_AFTER_MS:
        return {}
    return {(writer.partition, writer.producer): writer for writer in producers.writers}


def _newest(seen: Iterable[SeenProducers]) -> dict[str, _Writers]:
    """A producer that was known before a switch there and back is known in two generations."""
    topics: dict[str, _Writers] = defaultdict(dict)
    ours = (s for s in seen if s.producer_id >= FIRST_UNIQUE and s.last_sequence >= 0)
    for s in sorted(ours, key=lambda s: generation(s.producer_id)):
        writer = Writer(
            s.partition, lineage(s.producer_id), s.producer_epoch, s.last_sequence, s.last_timestamp
        )
        topics[s.topic][writer.partition, writer.producer] = writer
    return topics


def _bounded(writers: _Writers, now_ms: int) -> tuple[Writer, ...]:
    newest_first = sorted(writers.values(), key=lambda w: (-w.written_at, w.partition, w.producer))
    return tuple(
        writer
        for place, writer in enumerate(newest_first[:_MOST_RECENT])
        if place < _MOST_OLDER or now_ms - writer.written_at <= GIVEN_UP_AFTER_MS
    )
