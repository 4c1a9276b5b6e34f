"""Fetches records of many partitions at once; one that cannot be read does not hold up the others.

aiokafka gives records of all partitions in one call, and raises what one of them is to blame for:
a codec that it does not know, a checksum that is wrong, bytes that are no record. What it had taken
of the others in that call is lost then, and so is the name of the one. So when a call fails each
partition goes on from where it had got, and is asked for by itself; the one that fails then is read
record by record, to where it cannot be read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from controlplane.domain.unreadable import Unreadable
from controlplane.probes.failing import UnreadableError

T = TypeVar("T")

_WAIT_MS: Final = 50
_PAUSE_S: Final = 0.01
_ANSWERS_WITHIN_S: Final = 1.0


class Taker(Protocol):
    """What records of one partition are handed to, in order."""

    def take(self, record: Any, /) -> None:
        """One more of aiokafka's ConsumerRecords."""


class Wanted(NamedTuple):
    """What is to be read of a partition, and who gets it."""

    begin: int
    end: int
    taker: Taker
    most: int | None = None
    """Records after which reading may stop."""


class Read(NamedTuple, Generic[T]):
    """What was read of some partitions."""

    found: dict[TopicPartition, T]
    """Of those that could be read whole."""
    unreadable: dict[TopicPartition, Unreadable]
    """The others."""


class Fetched(NamedTuple):
    """How far reading came."""

    reached: dict[TopicPartition, int]
    """The first offset of each partition that was not read."""
    unreadable: dict[TopicPartition, Unreadable]
    """Those that could not be read to their end."""


class SilentError(Exception):
    """The cluster has stopped to answer."""


async def fetch(
    consumer: Any, cluster: str, wanted: Mapping[TopicPartition, Wanted], budget_s: float
) -> Fetched:
    """Hand out the records of each partition, from an offset up to another.

    At the end nothing is fetched any more.

    Args:
        consumer: aiokafka's, which nobody else uses meanwhile.
        cluster: its name.
        wanted: what to read; takers also get records from behind the end.
        budget_s: how long it may take. Partitions that are not read by then are unreadable as well.

    Raises:
        SilentError: the budget ran out, and the cluster does not answer any more.
        KafkaError: the consumer cannot be used.
    """
    fetching = _Fetching(consumer, {p: one for p, one in wanted.items() if one.begin < one.end})
    try:
        async with asyncio.timeout(budget_s):
            await fetching.run()
    except TimeoutError:
        if not await _answers(consumer, next(iter(fetching.reached))):
            raise SilentError(f"nothing came within {budget_s:g} s") from None
        fetching.out_of_time(budget_s)
    finally:
        fetching.end()
    reached = {p: one.begin for p, one in wanted.items()} | fetching.reached
    unreadable = {
        partition: _unreadable(partition, cluster, reached[partition], cause)
        for partition, cause in fetching.causes.items()
    }
    return Fetched(reached, unreadable)


async def stream(
    consumer: Any,
    cluster: str,
    partition: TopicPartition,
    offsets: tuple[int, int],
    patience_s: float,
) -> AsyncIterator[Any]:
    """The records of one partition from an offset up to another, as they come.

    Args:
        consumer: aiokafka's, which nobody else uses meanwhile.
        cluster: its name.
        partition: of which.
        offsets: the first one, and the one behind the last.
        patience_s: for how long nothing need come.

    Raises:
        UnreadableError: something in it cannot be read, or nothing comes.
        SilentError: nothing comes, as the cluster does not answer any more.
        KafkaError: the consumer cannot be used.
    """
    begin, end = offsets
    consumer.assign([partition])
    consumer.seek(partition, begin)
    at, moved_at, most = begin, time.monotonic(), None
    while at < end:
        try:
            read = await consumer.getmany(partition, timeout_ms=_WAIT_MS, max_records=most)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            if most is not None:
                found = _unreadable(partition, cluster, at, _told(error))
                raise UnreadableError(found) from error
            # What came before it in the same answer can be read.
            most = 1
            consumer.seek(partition, at)
            continue
        for record in read.get(partition, ()):
            if record.offset < end:
                yield record
        before, at = at, await consumer.position(partition)
        if at != before:
            moved_at = time.monotonic()
        elif time.monotonic() > moved_at + patience_s:
            if not await _answers(consumer, partition):
                raise SilentError(f"nothing came within {patience_s:g} s")
            cause = f"nothing came within {patience_s:g} s"
            raise UnreadableError(_unreadable(partition, cluster, at, cause))
    consumer.pause(partition)


def _unreadable(partition: TopicPartition, cluster: str, offset: int, cause: str) -> Unreadable:
    name = f"{partition.topic}-{partition.partition}"
    return Unreadable(partition=name, cluster=cluster, offset=offset, cause=cause)


class _Fetching:
    """One call of `fetch`."""

    def __init__(self, consumer: Any, wanted: Mapping[TopicPartition, Wanted]) -> None:
        self._consumer = consumer
        self._wanted = wanted
        self._taken = dict.fromkeys(wanted, 0)
        self._unread = set(wanted)
        self._suspects: set[TopicPartition] = set()
        """Partitions that failed once, and are read record by record since."""
        self.reached = {partition: one.begin for partition, one in wanted.items()}
        self.causes: dict[TopicPartition, str] = {}

    async def run(self) -> None:
        if self._unread:
            self._consumer.assign(list(self._wanted))
        for partition, offset in self.reached.items():
            self._consumer.seek(partition, offset)
        while self._unread:
            try:
                await self._take(*self._unread)
            except ConsumerStoppedError:
                raise
            except Exception:  # noqa: BLE001 - what a library raises of bytes is laid down nowhere
                await self._one_by_one()

    def end(self) -> None:
        """A Fetch that waits at the end of a log would keep its connection, and what comes next."""
        self._consumer.pause(*(self._unread & self._consumer.assignment()))

    def out_of_time(self, budget_s: float) -> None:
        for partition in self._unread:
            end = self._wanted[partition].end
            self.causes[partition] = f"our budget of {budget_s:g} s ran out before offset {end}"

    async def _take(
        self, *partitions: TopicPartition, timeout_ms: int = _WAIT_MS, most: int | None = None
    ) -> bool:
        """Hand out what has come; whether anything has."""
        read = await self._consumer.getmany(
            *partitions, timeout_ms=timeout_ms, max_records=most or self._room(partitions)
        )
        for partition, records in read.items():
            taker = self._wanted[partition].taker
            for record in records:
                taker.take(record)
            self._taken[partition] += len(records)
        for partition in partitions:
            # Markers of transactions and what compaction left out are passed without a record.
            self.reached[partition] = await self._consumer.position(partition)
            if self._is_read(partition):
                self._done(partition)
        return bool(read)

    def _room(self, partitions: Iterable[TopicPartition]) -> int | None:
        """How many records may be taken at once; None: all that have come.

        An answer may hold thousands, and each that is handed out is decoded.
        """
        room = 0
        for partition in partitions:
            most = self._wanted[partition].most
            if most is None:
                return None
            room += max(1, most - self._taken[partition])
        return room

    def _is_read(self, partition: TopicPartition) -> bool:
        wanted = self._wanted[partition]
        enough = wanted.most is not None and self._taken[partition] >= wanted.most
        return enough or self.reached[partition] >= wanted.end

    def _done(self, partition: TopicPartition) -> None:
        self._unread.discard(partition)
        self._consumer.pause(partition)

    async def _one_by_one(self) -> None:
        for partition in self._unread:
            self._consumer.seek(partition, self.reached[partition])
        while self._unread:
            came = [await self._take_one(partition) for partition in list(self._unread)]
            if not any(came):
                await asyncio.sleep(_PAUSE_S)

    async def _take_one(self, partition: TopicPartition) -> bool:
        """What has come of one partition; whether anything has, a failure included."""
        most = 1 if partition in self._suspects else None
        try:
            return await self._take(partition, timeout_ms=0, most=most)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            if partition in self._suspects:
                self.causes[partition] = _told(error)
                self._done(partition)
            else:
                self._suspects.add(partition)
                self._consumer.seek(partition, self.reached[partition])
        return True


def _told(error: Exception) -> str:
    said = str(error)
    name = type(error).__name__
    return said if said.startswith(name) else f"{name}: {said}".removesuffix(": ")


async def _answers(consumer: Any, partition: TopicPartition) -> bool:
    """Whether a cluster tells anything at all."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            await consumer.end_offsets([partition])
    except (KafkaError, OSError, TimeoutError):
        return False
    return True
