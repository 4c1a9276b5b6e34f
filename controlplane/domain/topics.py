"""Topic mappings: what clients created, noted so that switches and users of the mapping know."""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from contract.names import TOPIC_NAME_LIMIT, physical_name
from contract.records import TopicMapping
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Invalid, Missing, Refusal
from controlplane.domain.topic_history import TopicDeletion, is_after

TopicCommand: TypeAlias = commands.MapTopic | commands.UnmapTopic
Deleted: TypeAlias = TopicDeletion | events.TopicUnmapped


class KnownTopic(msgspec.Struct, frozen=True, kw_only=True):
    """What is known under a topic's name, as far as decisions on it go."""

    noted: events.TopicMapped | TopicMapping | None
    """None: no topic."""
    deleted: Deleted | None = None
    """None: no node has seen it deleted, or somebody made it again."""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What follows of what a node tells of topics."""

    events: list[Event]
    refused: list[tuple[TopicCommand, Refusal]]
    """What is not noted, and why."""


def note_topics(facts: Facts, told: Iterable[TopicCommand]) -> Noted:
    """What clients did to topics, in its order: as if each was noted before the next is looked at.

    All of it is of a node, which has seen what it tells.
    """
    known = dict[tuple[str, str], KnownTopic]()
    noted = Noted(events=[], refused=[])
    for command in told:
        name = command.vcluster, command.logical
        before = known.get(name) or _known(facts, *name)
        try:
            event = _noted(facts, before, command)
        except Refusal as refusal:
            noted.refused.append((command, refusal))
            continue
        if event is not None:
            noted.events.append(event)
            known[name] = _known_by(event)
    return noted


def note_topic(facts: Facts, command: TopicCommand) -> list[Event]:
    """A topic came to be, or is gone; nothing happens if that is known just so."""
    event = _noted(facts, _known(facts, command.vcluster, command.logical), command)
    return [] if event is None else [event]


def _known(facts: Facts, vcluster: str, logical: str) -> KnownTopic:
    state = facts.control.get(f"topic/{vcluster}/{logical}")
    return KnownTopic(
        noted=state if isinstance(state, TopicMapping) else None,
        deleted=facts.topic_history.deleted.get(physical_name(vcluster, logical)),
    )


def _known_by(event: events.TopicMapped | events.TopicUnmapped) -> KnownTopic:
    if isinstance(event, events.TopicMapped):
        return KnownTopic(noted=event)
    return KnownTopic(noted=None, deleted=event)


def _noted(
    facts: Facts, known: KnownTopic, command: TopicCommand
) -> events.TopicMapped | events.TopicUnmapped | None:
    if facts.control.get(f"vcluster/{command.vcluster}") is None:
        raise Missing(f"there is no virtual cluster {command.vcluster}")
    if isinstance(command, commands.MapTopic):
        return _mapped(facts, known, command)
    if known.noted is None and known.deleted and not is_after(command.at, known.deleted.at):
        return None
    return events.TopicUnmapped(vcluster=command.vcluster, logical=command.logical, at=command.at)


def _mapped(
    facts: Facts, known: KnownTopic, command: commands.MapTopic
) -> events.TopicMapped | None:
    physical = physical_name(command.vcluster, command.logical)
    if not command.logical or len(physical) > TOPIC_NAME_LIMIT:
        raise Invalid(f"topic name {command.logical!r} is empty, or too long with its prefix")
    if known.noted is None and known.deleted and is_after(known.deleted.at, command.at):
        return None  # what was made then is gone: the word of its deletion came first
    mapped = events.TopicMapped(
        vcluster=command.vcluster,
        logical=command.logical,
        physical=physical,
        partitions=command.partitions,
        replication_factor=command.replication_factor,
        configs=command.configs,
        anew=known.noted is None and _is_numbered(facts, physical),
    )
    return None if known.noted is not None and same_topic(known.noted, mapped) else mapped


def is_anew(facts: Facts, vcluster: str, logical: str) -> bool:
    """Whether a topic that comes to be takes the name of one whose offsets had other numbers."""
    if facts.control.get(f"topic/{vcluster}/{logical}") is not None:
        return False
    return _is_numbered(facts, physical_name(vcluster, logical))


def _is_numbered(facts: Facts, physical: str) -> bool:
    """Whether offsets under a name were given numbers that are not the cluster's own."""
    keys = (f"offsets/{scope}/{physical}" for scope in facts.first_cluster)
    return any(facts.control.get(key) is not None for key in keys)


def same_topic(known: TopicMapping | events.TopicMapped, mapped: events.TopicMapped) -> bool:
    """Whether a topic is known just so."""
    return (known.partitions, known.replication_factor, known.configs) == (
        mapped.partitions,
        mapped.replication_factor,
        mapped.configs,
    )


def unmap_all_topics(facts: Facts, command: commands.UnmapAllTopics) -> list[Event]:
    """Every mapping of a virtual cluster goes, and every alias."""
    topics, aliases = facts.topics_of(command.vcluster), facts.aliases_of(command.vcluster)
    if not topics and not aliases:
        raise Missing(f"virtual cluster {command.vcluster} has no topic mappings")
    return [
        *(events.TopicUnmapped(vcluster=t.vcluster, logical=t.logical) for t in topics),
        *(events.TopicUnaliased(vcluster=a.vcluster, logical=a.logical) for a in aliases),
    ]
