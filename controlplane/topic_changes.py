"""Notes what clients did to topics, many at once: a node tells what has come together."""

from collections.abc import Iterable, Iterator

import msgspec
import structlog

from contract.session import TopicChange, TopicCreated, TopicDeleted
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
    told = change.created or change.deleted
    try:
        return decide(facts, command_of(told)) if told is not None else []
    except Refusal as refusal:
        _logger.warning("topic.not_noted", topic=quoted("".join(change.topic)), reason=str(refusal))
        return []


def command_of(told: TopicCreated | TopicDeleted) -> Command:
    """What a node tells, as what is to be noted of it."""
    command = MapTopic if isinstance(told, TopicCreated) else UnmapTopic
    return command(**msgspec.structs.asdict(told))
