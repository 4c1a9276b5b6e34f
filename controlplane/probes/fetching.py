"""Fetches records of many partitions at once; one that cannot be read does not hold up the others.

One Fetch to each broker asks for all partitions that are not read yet, those first that got nothing
the last time. Batches are decoded by aiokafka's compiled parser. Where it raises something of the
bytes of a partition, that partition is read no further, and named; all others are.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition
from kio.schema.errors import ErrorCode

from controlplane.domain.unreadable import Unreadable
from controlplane.probes.batch_headers import PackedBatch
from controlplane.probes.cluster_logs import AGAIN_AFTER_S, MOVED, ClusterLogs, by_leader
from controlplane.probes.failing import UnreadableError
from controlplane.probes.fetch_requests import FetchedPartition, fetch_requests, fetched
from controlplane.probes.reading_budget import OutOfShareError, ReadingBudget
from upstream.decompressing import limited_to

T = TypeVar("T")

_HEADER_BYTES: Final = 2
"""Of a header that is empty."""
_OTHERS_AFTER: Final = 1000
"""Records after which others have their turn in the loop."""


class Taker(Protocol):
    """What records of one partition are handed to, in order."""

    def take(self, record: Any, /) -> None:
        """One more of aiokafka's ConsumerRecords, or of the batches that they are packed in."""


class Form(NamedTuple):
    """In which form records are handed out."""

    of: Callable[[FetchedPartition, int], Any]
    """What iterates over them from an offset on; its `next_fetch_offset` says how far it came."""
    size: Callable[[Any], int]
    """Bytes that one of them takes of what may be read of its partition."""


def _size_of_record(record: Any) -> int:
    key, value = record.key, record.value
    size = (len(key) if key else 0) + (len(value) if value else 0)
    for name, content in record.headers:
        size += _HEADER_BYTES + len(name) + (len(content) if content else 0)
    return size


def _size_of_batch(batch: PackedBatch) -> int:
    return batch.size


UNPACKED: Final = Form(FetchedPartition.records, _size_of_record)
"""Record by record."""
PACKED: Final = Form(FetchedPartition.packed, _size_of_batch)
"""Batch by batch, with what their headers say, and nothing decompressed."""


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


async def fetch(
    logs: ClusterLogs,
    wanted: Mapping[TopicPartition, Wanted],
    budget_s: float,
    *,
    budget: ReadingBudget | None = None,
    form: Form = UNPACKED,
) -> Fetched:
    """Hand out the committed records of each partition, from an offset up to another.

    Args:
        logs: of the cluster.
        wanted: what to read.
        budget_s: how long it may take. Partitions that are not read by then are unreadable as well.
        budget: how many bytes may be read of each, so that one does not take the time of all.
        form: in which records are handed out.

    Raises:
        UnreachableError: the cluster does not answer, or not any more.
    """
    some = {p: one for p, one in wanted.items() if one.begin < one.end}
    fetching = _Fetching(logs, some, budget or ReadingBudget(), form)
    try:
        async with asyncio.timeout(budget_s):
            await fetching.run()
    except TimeoutError:
        await logs.answer_after(budget_s)
        fetching.out_of_time(budget_s)
    reached = {p: one.begin for p, one in wanted.items()} | fetching.reached
    unreadable = {
        partition: _unreadable(partition, logs.name, reached[partition], cause)
        for partition, cause in fetching.causes.items()
    }
    return Fetched(reached, unreadable)


async def stream(
    logs: ClusterLogs, partition: TopicPartition, offsets: tuple[int, int], patience_s: float
) -> AsyncIterator[Any]:
    """The committed records of one partition from an offset up to another, as they come.

    Args:
        logs: of the cluster.
        partition: of which.
        offsets: the first one, and the one behind the last.
        patience_s: for how long nothing need come.

    Raises:
        UnreadableError: something in it cannot be read, or nothing comes.
        UnreachableError: the cluster does not answer, or not any more.
    """
    at, end = offsets
    moved_at, again, cause = time.monotonic(), False, ""
    while at < end:
        begins = {partition: at}
        found = await _ask(logs, begins, again=again)
        for one in found:
            records = one.records(at)
            try:
                for record in records:
                    if record.offset < end:
                        yield record
            except Exception as error:
                told = _unreadable(partition, logs.name, records.next_fetch_offset, _told(error))
                raise UnreadableError(told) from error
            before, at = at, records.next_fetch_offset
            moved_at = time.monotonic() if at > before else moved_at
            if one.error is not ErrorCode.none:
                cause = f": {one.error.name}"
        again = not found or bool(cause)
        if time.monotonic() > moved_at + patience_s:
            await logs.answer_after(patience_s)
            cause = f"nothing came within {patience_s:g} s{cause}"
            raise UnreadableError(_unreadable(partition, logs.name, at, cause))
        if again:
            await asyncio.sleep(AGAIN_AFTER_S)


async def _ask(
    logs: ClusterLogs, begins: Mapping[TopicPartition, int], *, again: bool
) -> list[FetchedPartition]:
    """What the brokers have of these partitions from these offsets on.

    Args:
        logs: of the cluster.
        begins: the first offset of each; the first ones are answered first.
        again: whether to look anew who leads them.
    """
    led = by_leader(begins, await logs.leaders(again=again))
    answers = await logs.ask(fetch_requests(led, begins))
    return [one for answer in answers for one in fetched(answer)]


def _unreadable(partition: TopicPartition, cluster: str, offset: int, cause: str) -> Unreadable:
    name = f"{partition.topic}-{partition.partition}"
    return Unreadable(partition=name, cluster=cluster, offset=offset, cause=cause)


def _told(error: Exception) -> str:
    said = str(error)
    name = type(error).__name__
    is_ours = isinstance(error, OutOfShareError)
    return said if is_ours or said.startswith(name) else f"{name}: {said}".removesuffix(": ")


class _Fetching:
    """One call of `fetch`."""

    def __init__(
        self,
        logs: ClusterLogs,
        wanted: Mapping[TopicPartition, Wanted],
        budget: ReadingBudget,
        form: Form,
    ) -> None:
        self._logs = logs
        self._wanted = wanted
        self._budget = budget
        self._form = form
        self._taken = dict.fromkeys(wanted, 0)
        self._unread = dict.fromkeys(wanted, True)
        """In the order in which they are asked for."""
        self._errors: dict[TopicPartition, ErrorCode] = {}
        """What brokers said of those that they do not lead at present."""
        self._since_others = 0
        self.reached = {partition: one.begin for partition, one in wanted.items()}
        self.causes: dict[TopicPartition, str] = {}

    async def run(self) -> None:
        again = False
        while self._unread:
            begins = {partition: self.reached[partition] for partition in self._unread}
            found = await _ask(self._logs, begins, again=again)
            moved = [await self._take(one) for one in found]
            again = not any(moved)
            if again:
                await asyncio.sleep(AGAIN_AFTER_S)

    def out_of_time(self, budget_s: float) -> None:
        for partition in self._unread:
            end, error = self._wanted[partition].end, self._errors.get(partition)
            why = f": {error.name}" if error is not None else ""
            self.causes[partition] = (
                f"our budget of {budget_s:g} s ran out before offset {end}{why}"
            )

    async def _take(self, one: FetchedPartition) -> bool:
        """Hand out what has come of a partition; whether anything has, a failure included."""
        partition = one.partition
        if one.error is not ErrorCode.none:
            self._errors[partition] = one.error
            if one.error in MOVED:
                return False
            self._fail(partition, one.error.name)
            return True
        before = self.reached[partition]
        records = self._form.of(one, before)
        try:
            await self._hand_out(partition, records)
        except Exception as error:  # noqa: BLE001 - what a library raises of bytes is laid down nowhere
            self.reached[partition] = records.next_fetch_offset
            self._fail(partition, _told(error))
            return True
        # Markers of transactions and what compaction left out are passed without a record.
        self.reached[partition] = records.next_fetch_offset
        if self._is_read(partition):
            del self._unread[partition]
        elif self.reached[partition] > before:
            # The others first, the next time.
            self._unread[partition] = self._unread.pop(partition)
        return self.reached[partition] > before

    async def _hand_out(self, partition: TopicPartition, records: Any) -> None:
        left, used = self._budget.left(partition), 0
        try:
            with limited_to(left):
                for record in records:
                    if record.offset >= self._wanted[partition].end:
                        records.next_fetch_offset = self._wanted[partition].end
                        return
                    if used >= left:
                        records.next_fetch_offset = record.offset
                        return
                    used += self._form.size(record)
                    if self._take_one(partition, record):
                        return
                    self._since_others += 1
                    if self._since_others >= _OTHERS_AFTER:
                        self._since_others = 0
                        await asyncio.sleep(0)
        finally:
            self._budget.use(partition, used)

    def _take_one(self, partition: TopicPartition, record: Any) -> bool:
        """Whether that is enough."""
        self._wanted[partition].taker.take(record)
        self._taken[partition] += 1
        return self._taken[partition] == self._wanted[partition].most

    def _is_read(self, partition: TopicPartition) -> bool:
        wanted = self._wanted[partition]
        enough = wanted.most is not None and self._taken[partition] >= wanted.most
        return enough or self.reached[partition] >= wanted.end

    def _fail(self, partition: TopicPartition, cause: str) -> None:
        self.causes[partition] = cause
        del self._unread[partition]
