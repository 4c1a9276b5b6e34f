"""Topics that came to be, grew or went without anybody's word: found on the cluster, and noted.

Whoever makes a topic through the gateway is told of by a node. All others are found by looking: a
broker made it for a Metadata, an operator or a tool made it on the cluster, it was there before the
gateway came, or the node that saw it made died before it told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from contract.names import TOPIC_NAME_LIMIT, physical_name
from contract.records import TopicAlias, TopicMapping, VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict
from controlplane.domain.scope_topics import ScopeTopics
from controlplane.domain.scopes import require_open
from controlplane.domain.tenants import virtual_cluster_created
from controlplane.domain.topics import is_anew, same_topic

_LOOKS: Final = 2
"""So many looks in a row have to find a topic before it is noted: its node may be about to tell of
it, and a broker may show one for a moment that was deleted."""
_LOOKS_FOR_GONE: Final = 5
"""The same for one that is not there any more: a broker that starts may not know of all. But not
for one that was deleted, and said to be made again: that word may have been late."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that is on a cluster as the log does not know it, or that is not there any more."""

    vcluster: str
    logical: str
    partitions: int
    """None are left of a topic that is gone."""
    version: int
    """How many events there are of the topic."""
    was_deleted: bool = False
    """Whether a node told that it was deleted, and another right after that it was made."""

    @property
    def physical(self) -> str:
        """Its name on the cluster."""
        return physical_name(self.vcluster, self.logical)

    @property
    def looks(self) -> int:
        """So many in a row have to find it before it is noted."""
        return _LOOKS if self.partitions or self.was_deleted else _LOOKS_FOR_GONE


def unlike_the_log(facts: Facts, scope: str, there: Mapping[str, int]) -> frozenset[Sighting]:
    """What a scope's cluster has otherwise than the log knows it.

    What somebody had the log forget stays so: they know that the topic is there.

    Args:
        facts: the log.
        scope: whose topics.
        there: all topics of the cluster that serves, and how many partitions each has.
    """
    known = {t.physical: t for t in facts.known_topics_in(scope)}
    found = [
        _sighting(facts, topic.vcluster, topic.logical, there.get(physical, 0))
        for physical, topic in known.items()
        if there.get(physical, 0) != topic.partitions
    ]
    ours = facts.topics_in(scope)
    for physical, partitions in there.items():
        owner = ours.owner_of(physical)
        if owner is None or physical in known or physical in facts.topic_history.forgotten:
            continue
        found.append(_sighting(facts, owner, physical.removeprefix(owner), partitions))
    return frozenset(found)


def _sighting(facts: Facts, vcluster: str, logical: str, partitions: int) -> Sighting:
    return Sighting(
        vcluster=vcluster,
        logical=logical,
        partitions=partitions,
        version=facts.versions.get(f"topic/{vcluster}/{logical}", 0),
        was_deleted=physical_name(vcluster, logical) in facts.topic_history.doubtful,
    )


class TopicSightings:
    """What looks in a row have found, as long as nothing was recorded about it."""

    def __init__(self) -> None:
        self._times: Counter[Sighting] = Counter()

    def due(self, found: frozenset[Sighting]) -> list[Sighting]:
        """Take in what a look has found; what of it has been found often enough."""
        self._times = Counter({one: self._times[one] + 1 for one in found})
        due = [one for one, times in self._times.items() if times >= one.looks]
        return sorted(due, key=lambda one: one.physical)


def adoptable(facts: Facts, vcluster: str, there: Mapping[str, int]) -> list[str]:
    """Logical names of topics under a virtual cluster's prefix that the log does not know.

    Args:
        facts: the log.
        vcluster: its name; there need not be one yet.
        there: all topics of the cluster that serves it, and how many partitions each has.
    """
    ours = ScopeTopics([vcluster], (), facts.mirror_topics())
    known = {topic.physical: topic.partitions for topic in facts.topics_of(vcluster)}
    return [
        physical.removeprefix(vcluster)
        for physical, partitions in sorted(there.items())
        if ours.owner_of(physical) is not None and known.get(physical) != partitions
    ]


def require_room(
    facts: Facts, vcluster: str, cluster: str, topics: Mapping[str, int], groups: Collection[str]
) -> None:
    """Raise Conflict if a virtual cluster of this name would get what is there on a cluster.

    Args:
        facts: the log.
        vcluster: the name; there is no virtual cluster of it yet.
        cluster: where.
        topics: those of the cluster that begin with the name, and their partitions.
        groups: likewise.
    """
    names = [physical_name(vcluster, logical) for logical in adoptable(facts, vcluster, topics)]
    for what, found in (("topics", names), ("groups", sorted(groups))):
        if found:
            raise Conflict(
                f"cluster {cluster} has {len(found)} {what} that begin with {vcluster},"
                f" {found[0]} for one, and clients of a virtual cluster {vcluster} could read and"
                " change them. If they are meant to, `interlock vcluster adopt"
                f" {vcluster} --apply` creates it with them; else choose another name"
            )


def adopt_topics(facts: Facts, command: commands.AdoptTopics) -> list[Event]:
    """Topics that are there are noted, unless something else was noted of them meanwhile."""
    decided: list[Event] = []
    if facts.control.get(f"vcluster/{command.vcluster}") is None:
        if command.to_create is None:
            return []
        require_open(facts, command.to_create[0])
        decided.append(virtual_cluster_created(facts, command.vcluster, *command.to_create))
    for topic in command.topics:
        mapped = events.TopicMapped(
            vcluster=command.vcluster,
            logical=topic.logical,
            physical=physical_name(command.vcluster, topic.logical),
            partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            configs=topic.configs,
            anew=is_anew(facts, command.vcluster, topic.logical),
        )
        known = facts.control.get(f"topic/{command.vcluster}/{topic.logical}")
        if topic.version not in {None, facts.versions.get(mapped.stream, 0)}:
            continue
        if len(mapped.physical) > TOPIC_NAME_LIMIT or not topic.logical:
            continue
        if not (isinstance(known, TopicMapping) and same_topic(known, mapped)):
            decided.append(mapped)
    return decided


def note_gone_topics(facts: Facts, command: commands.NoteGoneTopics) -> list[Event]:
    """Topics that are there no more are waited for no more. Nothing is deleted for it anywhere."""
    return [
        events.TopicUnmapped(vcluster=vcluster, logical=logical)
        for vcluster, logical, version in command.topics
        if facts.control.get(f"topic/{vcluster}/{logical}") is not None
        and facts.versions.get(f"topic/{vcluster}/{logical}", 0) == version
    ]


def owned_by_nobody(facts: Facts, names: Iterable[str]) -> list[str]:
    """Topics that no virtual cluster of any scope sees, without those that are nobody's to see."""
    seen = ScopeTopics(
        (vcluster.name for vcluster in facts.control.of(VirtualCluster)),
        (alias.physical for alias in facts.control.of(TopicAlias)),
    )
    mirrors = facts.mirror_topics()
    return sorted(
        name
        for name in names
        if name not in seen and name not in mirrors and not name.startswith("__")
    )
