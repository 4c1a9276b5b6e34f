"""Notes what clients did to topics, many at once: a node tells what has come together."""

from collections.abc import Iterable, Iterator

import structlog

from contract.session import TopicChange
from contract.shown import quoted
from controlplane.domain.commands import Command, MapTopic, UnmapTopic
from controlplane.domain.decide import decide
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Refusal
from controlplane.ledger import Ledger
from controlplane.store.event_store import Attribution

_logger = structlog.get_logger()


async def note_changes(ledger: Ledger, changes: Iterable[TopicChange], by: Attribution) -> None:
    """Note them in their order; one that is refused is told in the log, and keeps no other out."""
    for some in each_once(changes):
        async with ledger.turn(by) as turn:
            await turn.append([event for change in some for event in _decided(turn.facts, change)])


def each_once(changes: Iterable[TopicChange]) -> Iterator[list[TopicChange]]:
    """In their order, so that no part has a topic twice: what is decided of it first, counts."""
    some: list[TopicChange] = []
    topics: set[tuple[str, str]] = set()
    for change in changes:
        if change.topic in topics:
            yield some
            some, topics = [], set()
        some.append(change)
        topics.add(change.topic)
    if some:
        yield some


def _decided(facts: Facts, change: TopicChange) -> list[Event]:
    command = _command(change)
    try:
        return decide(facts, command) if command is not None else []
    except Refusal as refusal:
        _logger.warning("topic.not_noted", topic=quoted("".join(change.topic)), reason=str(refusal))
        return []


def _command(change: TopicChange) -> Command | None:
    if (made := change.created) is not None:
        return MapTopic(
            vcluster=made.vcluster,
            logical=made.logical,
            partitions=made.partitions,
            replication_factor=made.replication_factor,
            configs=made.configs,
        )
    if (gone := change.deleted) is not None:
        return UnmapTopic(vcluster=gone.vcluster, logical=gone.logical)
    return None
