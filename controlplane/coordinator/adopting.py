"""Notes what the cluster that serves has, and nobody has told the log of.

No switch waits for that: what it looks at is told by names, not by what was noted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from aiokafka import TopicPartition

from controlplane.domain.adoption import Sighting, TopicSightings, unlike_the_log
from controlplane.domain.commands import AdoptTopics, NoteGoneTopics
from controlplane.plane import ControlPlane
from controlplane.probes.found_topics import found_topics
from controlplane.store.event_store import Attribution

_ACTOR = "system:adoption"
_IN_ONE_TURN = 200
"""Others wait for their turn to write meanwhile."""


class Adopter:
    """Of one scope on one cluster."""

    def __init__(self, plane: ControlPlane, scope: str, cluster: str) -> None:
        """Nothing was seen yet."""
        self._plane = plane
        self._scope = scope
        self._cluster = cluster
        self._sightings = TopicSightings()
        self._alike: tuple[int, dict[str, int]] | None = None
        """The newest event about topics, and what was there, when the log knew all of it so."""

    async def look(self, partitions: Iterable[TopicPartition]) -> None:
        """Take in which partitions there are, of all topics; note what was seen often enough.

        Raises:
            LookError: the cluster does not answer.
        """
        facts, there = self._plane.ledger.facts, dict(Counter(p.topic for p in partitions))
        if self._alike == (facts.topics_seq, there):
            return
        found = unlike_the_log(facts, self._scope, there)
        self._alike = None if found else (facts.topics_seq, there)
        due = self._sightings.due(found)
        await self._adopt([one for one in due if one.partitions])
        await self._note_gone([one for one in due if not one.partitions])

    async def _adopt(self, sightings: list[Sighting]) -> None:
        by = Attribution(actor=_ACTOR, reason=f"found on cluster {self._cluster}")
        cluster = next(c for c in self._plane.settings.clusters if c.name == self._cluster)
        for some in _portions(sightings):
            by_vcluster: dict[str, dict[str, int]] = defaultdict(dict)
            for one in some:
                by_vcluster[one.vcluster][one.logical] = one.version
            for vcluster, versions in by_vcluster.items():
                topics = await found_topics(cluster, vcluster, versions)
                command = AdoptTopics(vcluster=vcluster, topics=topics)
                await self._plane.ledger.carry_out(command, by)

    async def _note_gone(self, sightings: list[Sighting]) -> None:
        by = Attribution(actor=_ACTOR, reason=f"not on cluster {self._cluster} any more")
        for some in _portions(sightings):
            topics = tuple((one.vcluster, one.logical, one.version) for one in some)
            await self._plane.ledger.carry_out(NoteGoneTopics(topics=topics), by)


def _portions(sightings: list[Sighting]) -> Iterator[list[Sighting]]:
    for start in range(0, len(sightings), _IN_ONE_TURN):
        yield sightings[start : start + _IN_ONE_TURN]
