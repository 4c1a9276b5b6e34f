"""Compares a target with the cluster that it is to stand in for, and makes it alike."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from aiokafka import TopicPartition
from msgspec.structs import replace

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from controlplane.domain.parity.configs import (
    Both,
    Change,
    Difference,
    changes,
    differences,
    opened_for_deletion,
)
from controlplane.domain.parity.made import Parity, Trimmed, not_trimmed
from controlplane.domain.parity.topics import Surplus, kept, surplus, too_large, unexplained
from controlplane.probes.asking import asking
from controlplane.probes.layout import Layout, layout_of
from controlplane.probes.numbers import name
from controlplane.probes.parity.beginnings import ClusterReaders, Known, surplus_before
from controlplane.probes.parity.cleaning import MOST_RECORDS, CleanedKeys, write_tombstones
from controlplane.probes.parity.configs import TopicStateReader, add_partitions, carry
from controlplane.probes.parity.deleting import delete_records, delete_topics
from controlplane.probes.parity.forgetting import forget
from controlplane.probes.parity.governed import Governed
from controlplane.probes.readers import Readers
from controlplane.probes.together import together
from upstream.inquiry import Inquiry

_SHOWN_WITHIN_S = 2.0
"""A broker tells of a change a moment after its controller has made it."""
TOLD_WITHIN_S = 2.0
"""A node tells of a topic that was deleted right after it has relayed the answer."""
_PAUSE_S = 0.05
_BUDGET_S = 30.0
"""For one look, records at the beginnings of logs included; behind the fence the switch's own ends
it earlier."""


class Clusters(NamedTuple):
    """The two that are compared."""

    source: ClusterProperties
    target: ClusterProperties

    @property
    def names(self) -> Direction:
        """Of both."""
        return Direction(source=self.source.name, target=self.target.name)


class _Found(NamedTuple):
    """Both clusters' topics."""

    ours: Layout
    theirs: Layout
    both: dict[str, Both]
    surplus: Surplus

    def partitions(self) -> list[TopicPartition]:
        """Those that both have."""
        return [
            TopicPartition(topic, partition)
            for topic in self.both
            for partition in self.ours.topics[topic].leaders
            if partition in self.theirs.topics[topic].leaders
        ]


class ParityMaker:
    """Looks at two clusters again and again, and remembers what need not be read anew."""

    def __init__(self, clusters: Clusters, readers: Readers) -> None:
        """Nothing was looked at yet."""
        self._clusters = clusters
        self._readers = readers
        self._ours, self._theirs = TopicStateReader(), TopicStateReader()
        self._known: dict[TopicPartition, Known] = {}
        self._keys = CleanedKeys()
        self._compacted: list[TopicPartition] | None = None
        """As they were found last."""
        self._ids: dict[str, tuple[UUID | None, UUID | None]] = {}
        self.begins_elsewhere = False
        """Whether the target was found to begin before the source, when that was looked at last."""

    async def compare(self, governed: Governed) -> Parity:
        """What would be done, and what would be left; changes nothing.

        Raises:
            LookError: a cluster does not answer.
        """
        async with self._asking() as (source, target):
            found = await self._look(source, target, governed)
            planned = _changes(found.both.values(), serving=False)
            grown = _grown(found.both.values())
            names = {change.name for change in planned} | grown.keys()
            left = (
                *unexplained(self._clusters.names, found.surplus.unexplained),
                *self._differences(found.both.values(), {}, serving=False),
            )
            return Parity(
                topics=len(found.both),
                carried=tuple(planned),
                partitions_added=tuple(grown),
                topics_deleted=found.surplus.deleted,
                trimmed=_trimmed(await self._surplus_before(found)),
                left=tuple(difference for difference in left if difference.name not in names),
            )

    async def compare_twice(self, governed: Callable[[], Governed]) -> Parity:
        """The same; what is left may be over in a moment, and is looked at again if there is any.

        Args:
            governed: what the switch is about, as the log knows it by then.

        Raises:
            LookError: a cluster does not answer.
        """
        found = await self.compare(governed())
        if not found.left:
            return found
        await asyncio.sleep(TOLD_WITHIN_S)
        again, named = await self.compare(governed()), {one.name for one in found.left}
        return replace(again, left=tuple(one for one in again.left if one.name in named))

    async def carry_configs(self, governed: Governed) -> Parity:
        """Have the replica's topics take what a mirror brings, with the configs of the source.

        Raises:
            LookError: a cluster does not answer.
        """
        async with self._asking() as (source, target):
            found = await self._look(source, target, governed)
            return (await self._carry(target, found, serving=False))[0]

    async def make(
        self, governed: Governed, *, serving: bool, begin_alike: asyncio.Event | None = None
    ) -> Parity:
        """Make the target alike.

        Args:
            governed: what belongs to the scope.
            serving: whether the target is about to serve, and nothing moves any more. Before,
                records are not deleted: there is time, and a switch may yet be undone.
            begin_alike: is set as soon as no log of the target is made to begin elsewhere any more.

        Raises:
            LookError: a cluster does not answer.
        """
        async with self._asking() as (source, target):
            found = await self._look(source, target, governed)
            refusals = await delete_topics(target, found.theirs, found.surplus.deleted)
            before = await self._surplus_before(found)
            refused: dict[TopicPartition, str] = {}
            if serving:
                found, refused = await self._trim(target, found, before)
            if begin_alike is not None:
                begin_alike.set()
            carried, found = await self._carry(target, found, serving=serving)
            forgotten = await forget(source, target, governed.is_ours, found.both)
            names = self._clusters.names
            return replace(
                carried,
                topics_deleted=tuple(t for t in found.surplus.deleted if t not in refusals),
                trimmed=_trimmed({p: at for p, at in before.items() if p not in refused})
                if serving
                else (),
                groups_deleted=forgotten.groups,
                positions_deleted=forgotten.positions,
                left=(
                    *unexplained(names, found.surplus.unexplained),
                    *kept(names, refusals),
                    *not_trimmed(names, {name(p): why for p, why in refused.items()}),
                    *carried.left,
                ),
            )

    async def read_keys(self, governed: Governed) -> tuple[Difference, ...]:
        """Read what compacted topics hold, as far as that was not done yet; what is too large.

        Raises:
            LookError: a cluster does not answer.
        """
        if self._compacted is None:
            async with self._asking() as (source, target):
                await self._look(source, target, governed)
        names = self._clusters.names
        left_out = await self._keys.read(
            await self._readers.of(names.source),
            await self._readers.of(names.target),
            self._compacted or (),
        )
        records: Counter[str] = Counter()
        for partition, count in left_out.items():
            records[partition.topic] += count
        return tuple(too_large(names, records, MOST_RECORDS))

    async def delete_once_more(self, governed: Governed) -> tuple[tuple[str, int], ...]:
        """Have keys deleted on both clusters that the source has cleaned away; how many of each.

        Only while nobody else writes to the source.

        Raises:
            LookError: a cluster does not answer.
        """
        await self.read_keys(governed)
        found = self._keys.found(self._compacted or ())
        if found:
            await write_tombstones(self._clusters.source, found)
        return tuple((name(p), len(keys)) for p, keys in sorted(found.items()))

    async def _look(self, source: Inquiry, target: Inquiry, governed: Governed) -> _Found:
        # The target first: what is made meanwhile is no surplus.
        theirs = await layout_of(target, None)
        ours = await layout_of(source, None)
        on_target = {topic for topic in theirs.topics if governed.is_ours(topic)}
        on_source = {topic for topic in ours.topics if governed.is_ours(topic)}
        both = on_target & on_source
        here, there = await together(
            self._ours.read(source, ours, both), self._theirs.read(target, theirs, both)
        )
        self._forget_what_was_made_anew(ours, theirs, both)
        found = _Found(
            ours,
            theirs,
            {topic: Both(topic, here[topic], there[topic]) for topic in sorted(both)},
            surplus(on_target, on_source, governed.deleted),
        )
        self._compacted = [p for p in found.partitions() if found.both[p.topic].ours.is_compacted]
        return found

    async def _carry(
        self, target: Inquiry, found: _Found, *, serving: bool
    ) -> tuple[Parity, _Found]:
        """Give the target's topics configs and partitions; what is there then."""
        carried: list[Change] = []
        refused: dict[str, str] = {}
        grown = _grown(found.both.values())
        await add_partitions(target, found.theirs.controller, grown)
        give_up_at = time.monotonic() + _SHOWN_WITHIN_S
        while time.monotonic() < give_up_at:
            wanted = [
                change
                for change in _changes(found.both.values(), serving=serving)
                if change.name not in refused
            ]
            if not wanted and not _grown(found.both.values()):
                break
            new = [change for change in wanted if change not in carried]
            refused |= await carry(target, new)
            carried += new
            await asyncio.sleep(_PAUSE_S)
            found = await self._look_again(target, found, {c.topic for c in carried} | grown.keys())
        return Parity(
            topics=len(found.both),
            carried=tuple(change for change in carried if change.name not in refused),
            partitions_added=tuple(grown),
            left=tuple(self._differences(found.both.values(), refused, serving=serving)),
        ), found

    @staticmethod
    async def _look_again(target: Inquiry, found: _Found, touched: Collection[str]) -> _Found:
        theirs = await layout_of(target, None)
        states = await TopicStateReader().read(target, theirs, touched)
        again = {t: found.both[t]._replace(theirs=state) for t, state in states.items()}
        return found._replace(theirs=theirs, both=found.both | again)

    def _differences(
        self, both: Iterable[Both], refused: Mapping[str, str], *, serving: bool
    ) -> Iterable[Difference]:
        for one in both:
            yield from differences(self._clusters.names, one, refused, serving=serving)

    async def _surplus_before(self, found: _Found) -> dict[TopicPartition, int]:
        """Up to which offsets records at the beginnings of the target's partitions are to go."""
        partitions = found.partitions()
        if not partitions:
            return {}
        source, target = await together(
            self._pair(self._clusters.source.name), self._pair(self._clusters.target.name)
        )
        compacted = {p for p in partitions if found.both[p.topic].ours.is_compacted}
        before = await surplus_before(source, target, partitions, compacted, self._known)
        self.begins_elsewhere = bool(before)
        return before

    async def _trim(
        self, target: Inquiry, found: _Found, before: Mapping[TopicPartition, int]
    ) -> tuple[_Found, dict[TopicPartition, str]]:
        """Delete them; what is there then, and what the target refuses to delete."""
        closed = {p.topic for p in before if found.both[p.topic].theirs.is_compacted_alone}
        await carry(target, opened_for_deletion(closed))
        refused = await delete_records(target, found.theirs, before)
        give_up_at = time.monotonic() + _SHOWN_WITHIN_S
        while closed and refused and time.monotonic() < give_up_at:
            await asyncio.sleep(_PAUSE_S)
            again = {p: before[p] for p in refused}
            refused = await delete_records(target, found.theirs, again)
        return await self._look_again(target, found, closed) if closed else found, refused

    async def _pair(self, name: str) -> ClusterReaders:
        return ClusterReaders(await self._readers.of(name), await self._readers.imprints_of(name))

    def _forget_what_was_made_anew(
        self, ours: Layout, theirs: Layout, topics: Iterable[str]
    ) -> None:
        ids = {topic: (ours.topics[topic].id, theirs.topics[topic].id) for topic in topics}
        anew = {topic for topic, both in ids.items() if self._ids.get(topic, both) != both}
        self._ids = ids
        self._keys.forget(anew)
        for partition in [p for p in self._known if p.topic in anew]:
            del self._known[partition]

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[tuple[Inquiry, Inquiry]]:
        undone = "was not compared with the other cluster"
        async with (
            asking(self._clusters.source, undone, _BUDGET_S) as source,
            asking(self._clusters.target, undone, _BUDGET_S) as target,
        ):
            yield source, target


def _changes(both: Iterable[Both], *, serving: bool) -> list[Change]:
    return [change for one in both for change in changes(one, serving=serving)]


def _grown(both: Iterable[Both]) -> dict[str, int]:
    """Topics that lack partitions on the target, and how many they are to have."""
    return {
        one.topic: one.ours.partitions
        for one in both
        if one.ours.partitions > one.theirs.partitions
    }


def _trimmed(before: Mapping[TopicPartition, int]) -> tuple[Trimmed, ...]:
    return tuple(Trimmed(partition=name(p), before=at) for p, at in sorted(before.items()))
