"""Topic mappings: what clients created, noted so that switches and users of the mapping know."""

from contract.names import TOPIC_NAME_LIMIT, physical_name
from contract.records import TopicMapping
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Invalid, Missing


def map_topic(facts: Facts, command: commands.MapTopic) -> list[Event]:
    """A topic came to be; nothing happens if it is known just so."""
    if facts.control.get(f"vcluster/{command.vcluster}") is None:
        raise Missing(f"there is no virtual cluster {command.vcluster}")
    physical = physical_name(command.vcluster, command.logical)
    if not command.logical or len(physical) > TOPIC_NAME_LIMIT:
        raise Invalid(f"topic name {command.logical!r} is empty, or too long with its prefix")
    mapped = events.TopicMapped(
        vcluster=command.vcluster,
        logical=command.logical,
        physical=physical,
        partitions=command.partitions,
        replication_factor=command.replication_factor,
        configs=command.configs,
        anew=is_anew(facts, command.vcluster, command.logical),
    )
    known = facts.control.get(f"topic/{command.vcluster}/{command.logical}")
    if isinstance(known, TopicMapping) and same_topic(known, mapped):
        return []
    return [mapped]


def is_anew(facts: Facts, vcluster: str, logical: str) -> bool:
    """Whether a topic that comes to be takes the name of one whose offsets had other numbers."""
    if facts.control.get(f"topic/{vcluster}/{logical}") is not None:
        return False
    physical = physical_name(vcluster, logical)
    keys = (f"offsets/{scope}/{physical}" for scope in facts.first_cluster)
    return any(facts.control.get(key) is not None for key in keys)


def same_topic(known: TopicMapping, mapped: events.TopicMapped) -> bool:
    """Whether a topic is known just so."""
    return (known.partitions, known.replication_factor, known.configs) == (
        mapped.partitions,
        mapped.replication_factor,
        mapped.configs,
    )


def unmap_topic(facts: Facts, command: commands.UnmapTopic) -> list[Event]:
    """A topic is gone, whether or not it was known; nothing happens if that is known already."""
    if facts.control.get(f"vcluster/{command.vcluster}") is None:
        raise Missing(f"there is no virtual cluster {command.vcluster}")
    known = facts.control.get(f"topic/{command.vcluster}/{command.logical}") is not None
    if not known and physical_name(command.vcluster, command.logical) in facts.deleted_topics:
        return []
    return [events.TopicUnmapped(vcluster=command.vcluster, logical=command.logical)]


def unmap_all_topics(facts: Facts, command: commands.UnmapAllTopics) -> list[Event]:
    """Every mapping of a virtual cluster goes, and every alias."""
    topics, aliases = facts.topics_of(command.vcluster), facts.aliases_of(command.vcluster)
    if not topics and not aliases:
        raise Missing(f"virtual cluster {command.vcluster} has no topic mappings")
    return [
        *(events.TopicUnmapped(vcluster=t.vcluster, logical=t.logical) for t in topics),
        *(events.TopicUnaliased(vcluster=a.vcluster, logical=a.logical) for a in aliases),
    ]
