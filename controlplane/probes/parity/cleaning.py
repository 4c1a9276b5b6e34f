"""Keys that compaction has cleaned away on the source, and that its mirror never heard of.

They are deleted once more: by a tombstone at the end of the source's log, which the mirror copies
like every record. So both clusters end with the same, whoever leads and however often it is done.
Only behind the fence: before, somebody may be about to write the key again.
"""

from collections.abc import Collection, Mapping
from typing import Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.parity.keys import Keys
from controlplane.probes.describe import failed
from controlplane.probes.failing import UnreadableError
from controlplane.probes.reader import EndReader
from controlplane.probes.together import together
from controlplane.publisher.producer import producer, send_all

MOST_RECORDS: Final = 2_000_000
"""So many records of compacted topics are read, of both clusters together."""

_logger = structlog.get_logger()


class _Side:
    """One cluster's keys, as far as they were read."""

    def __init__(self) -> None:
        self._keys: dict[TopicPartition, Keys] = {}
        self._next: dict[TopicPartition, int] = {}
        self._unreadable: set[TopicPartition] = set()

    def unread(
        self, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, tuple[int, int]]:
        """What has come since; everything of a log that is shorter than it was."""
        for partition, end in ends.items():
            if self._next.get(partition, 0) > end:
                del self._keys[partition], self._next[partition]
        return {
            p: (max(begins[p], self._next.get(p, 0)), end)
            for p, end in ends.items()
            if max(begins[p], self._next.get(p, 0)) < end
        }

    async def read(
        self, reader: EndReader, ranges: Mapping[TopicPartition, tuple[int, int]]
    ) -> None:
        for partition, (begin, end) in ranges.items():
            keys = self._keys.setdefault(partition, Keys())
            try:
                async for record in reader.records(partition, begin):
                    keys.take(record)
            except UnreadableError:
                # Named by whoever proves records: nothing is said of its keys.
                self._unreadable.add(partition)
                continue
            self._unreadable.discard(partition)
            self._next[partition] = end

    def forget(self, topics: Collection[str]) -> None:
        for partition in [p for p in self._next if p.topic in topics]:
            del self._keys[partition], self._next[partition]

    def of(self, partition: TopicPartition) -> Keys | None:
        """None: they are not known."""
        if partition in self._unreadable:
            return None
        return self._keys.get(partition, Keys())


class CleanedKeys:
    """What was read of compacted partitions; it is gone on with where it ended."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._ours = _Side()
        self._theirs = _Side()

    async def read(
        self, source: EndReader, target: EndReader, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Read what has come since; what is left out is too large, with its number of records.

        Args:
            source: the cluster that serves.
            target: its replica.
            partitions: compacted ones that both have.

        Raises:
            LookError: one of them does not answer.
        """
        some = list(partitions)
        if not some:
            return {}
        begins, their_begins = await together(source.begins(some), target.begins(some))
        # The target first: of what comes in between the source knows more, not less.
        their_ends = await target.committed_ends(some)
        ends = await source.committed_ends(some)
        ours = self._ours.unread(begins, ends)
        theirs = self._theirs.unread(their_begins, their_ends)
        records = {
            p: sum(end - begin for begin, end in (side[p] for side in (ours, theirs) if p in side))
            for p in some
        }
        left_out = _beyond(records)
        for side in (ours, theirs):
            for partition in left_out:
                side.pop(partition, None)
        await together(self._ours.read(source, ours), self._theirs.read(target, theirs))
        return left_out

    def forget(self, topics: Collection[str]) -> None:
        """Read these anew, from their beginning."""
        self._ours.forget(topics)
        self._theirs.forget(topics)

    def found(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, list[bytes]]:
        """Keys that only the target has still, by partition."""
        found = {p: self._cleaned_away(p) for p in partitions}
        return {p: keys for p, keys in found.items() if keys}

    def _cleaned_away(self, partition: TopicPartition) -> list[bytes]:
        ours, theirs = self._ours.of(partition), self._theirs.of(partition)
        if ours is None or theirs is None:
            return []
        return list(theirs.cleaned_away(ours))


def _beyond(records: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """The largest ones, of which there is no room."""
    in_all, left_out = 0, {}
    for partition in sorted(records, key=lambda p: records[p]):
        in_all += records[partition]
        if in_all > MOST_RECORDS:
            left_out[partition] = records[partition]
    return left_out


async def write_tombstones(
    source: ClusterProperties, found: Mapping[TopicPartition, Collection[bytes]]
) -> None:
    """Delete keys on the cluster that served, while nobody else writes there.

    Raises:
        LookError: it does not take them.
    """
    try:
        async with producer(source) as writer:
            await send_all(
                writer,
                (
                    {"topic": p.topic, "value": None, "key": key, "partition": p.partition}
                    for p, keys in found.items()
                    for key in keys
                ),
            )
    except (KafkaError, OSError, TimeoutError) as error:
        raise await failed(source, error) from error
    _logger.info("tombstones.written", partitions=len(found), keys=sum(map(len, found.values())))
