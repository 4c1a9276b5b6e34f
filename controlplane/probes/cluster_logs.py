"""One cluster's logs: where they begin and end, and what is in them, of many partitions at once.

Asked in Kafka's own requests, one to each broker for thousands of partitions, and all brokers at a
time: a client library keeps a state of each partition, which costs more than what is read.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from aiokafka import TopicPartition
from kio.schema.errors import ErrorCode
from kio.schema.list_offsets.v5.request import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kio.schema.types import BrokerId, TopicName
from kio.static.primitive import i8, i32, i64

from contract.clusters_file import ClusterProperties
from controlplane.probes.describe import UnreachableError
from controlplane.probes.failing import OutOfTimeError, RefusedError
from controlplane.probes.layout import Layout, LayoutReader
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError

EARLIEST: Final = -2
LATEST: Final = -1
READ_COMMITTED: Final = i8(1)
_READ_UNCOMMITTED: Final = i8(0)
AGAIN_AFTER_S: Final = 0.05
_ANSWERS_WITHIN_S: Final = 1.0
MOVED: Final = frozenset(
    {
        ErrorCode.not_leader_or_follower,
        ErrorCode.leader_not_available,
        ErrorCode.unknown_topic_or_partition,
        ErrorCode.replica_not_available,
        ErrorCode.fenced_leader_epoch,
        ErrorCode.unknown_leader_epoch,
        ErrorCode.offset_not_available,
    }
)
"""What a broker says of a partition that another one leads by now, or will."""

_T = TypeVar("_T")


class ClusterLogs:
    """The logs of one cluster, over connections that are kept."""

    def __init__(self, cluster: ClusterProperties) -> None:
        self.name = cluster.name
        self._asked = Inquiry(access_to(cluster))
        self._layouts = LayoutReader()
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Find the brokers.

        Raises:
            UnreachableError: none answers.
        """
        try:
            await self._asked.begin()
        except InquiryError as error:
            raise UnreachableError(str(error)) from error

    def close(self) -> None:
        """End the connections."""
        self._asked.close()

    async def partitions(self, within_s: float) -> list[TopicPartition]:
        """The partitions of all topics, in order.

        Raises:
            UnreachableError: the cluster does not answer.
            OutOfTimeError: the budget ran out.
        """
        layout = await self._within(within_s, "did not tell its topics", self._layout)
        return layout.partitions

    @property
    def topic_ids(self) -> Mapping[str, UUID]:
        """The id of each topic that has one, as the cluster told its topics last."""
        return self._layouts.newest.ids if self._layouts.newest is not None else {}

    async def offsets(
        self,
        partitions: Collection[TopicPartition],
        at: int | Mapping[TopicPartition, int],
        within_s: float,
        *,
        committed: bool = False,
    ) -> dict[TopicPartition, int]:
        """Where each partition begins, ends, or has got to at a time.

        Args:
            partitions: those to ask for; none twice.
            at: EARLIEST, LATEST, or of each the epoch milliseconds of which the first record that
                is not older is looked for: -1 where there is none.
            within_s: our budget.
            committed: end where the oldest open transaction begins.

        Raises:
            UnreachableError: the cluster does not answer.
            RefusedError: it does not tell it of a partition.
            OutOfTimeError: the budget ran out.
        """
        found: dict[TopicPartition, int] = {}
        if not partitions:
            return found
        refused: dict[TopicPartition, ErrorCode] = {}
        wanted = set(partitions)

        async def ask() -> None:
            leaders = await self.leaders(again=False)
            while True:
                refused.clear()
                missing = by_leader(wanted.difference(found), leaders)
                for answer in await self.ask(_requests(missing, at, committed=committed)):
                    _take(answer, found, refused)
                if len(found) == len(wanted):
                    return
                await asyncio.sleep(AGAIN_AFTER_S)
                leaders = await self.leaders(again=True)

        undone = f"did not tell the offsets of {len(wanted)} partitions"
        try:
            await self._within(within_s, undone, ask)
        except OutOfTimeError:
            if not refused:
                raise
            partition, code = next(iter(refused.items()))
            raise RefusedError(
                f"cluster {self.name} does not tell the offsets of {len(refused)} partitions:"
                f" {partition.topic}-{partition.partition} {code.name}"
            ) from None
        return found

    async def leaders(self, *, again: bool) -> Mapping[TopicPartition, int]:
        """Which broker leads each partition, as it was told last, or just now.

        Raises:
            UnreachableError: the cluster does not answer.
        """
        newest = None if again else self._layouts.newest
        return (newest or await self._layout()).leaders

    async def ask(self, requests: Mapping[int, Any]) -> list[Any]:
        """What brokers answer to one request each; of one that does not answer, nothing.

        Raises:
            UnreachableError: not one of them answers.
        """
        answers: list[Any] = []
        problem: InquiryError | None = None
        async with self._turn:
            asked = [self._asked.ask(broker, request) for broker, request in requests.items()]
            for found in await asyncio.gather(*asked, return_exceptions=True):
                if isinstance(found, InquiryError):
                    problem = found
                elif isinstance(found, BaseException):
                    raise found
                else:
                    answers += found
        if problem is not None and not answers:
            raise UnreachableError(str(problem)) from problem
        return answers

    async def answer_after(self, silence_s: float) -> None:
        """Have the cluster tell something: that time ran out may be its fault, or only ours.

        Raises:
            UnreachableError: it tells nothing.
        """
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await self._layout()
        except TimeoutError as error:
            raise UnreachableError(
                f"cluster {self.name} does not answer: nothing came within {silence_s:g} s"
            ) from error

    async def _layout(self) -> Layout:
        try:
            async with self._turn:
                return await self._layouts.read(self._asked)
        except InquiryError as error:
            raise UnreachableError(str(error)) from error

    async def _within(self, budget_s: float, undone: str, call: Callable[[], Awaitable[_T]]) -> _T:
        try:
            async with asyncio.timeout(budget_s):
                return await call()
        except TimeoutError as error:
            await self.answer_after(budget_s)
            raise OutOfTimeError(
                f"cluster {self.name} {undone} within our budget of {budget_s:g} s"
            ) from error


@asynccontextmanager
async def cluster_logs(cluster: ClusterProperties) -> AsyncIterator[ClusterLogs]:
    """Open them.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    logs = ClusterLogs(cluster)
    try:
        await logs.open()
        yield logs
    finally:
        logs.close()


def by_leader(
    partitions: Collection[TopicPartition], leaders: Mapping[TopicPartition, int]
) -> dict[int, dict[str, list[int]]]:
    """Leader to topic to partitions, of those that have one."""
    led: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for partition in partitions:
        if (leader := leaders.get(partition, -1)) >= 0:
            led[leader][partition.topic].append(partition.partition)
    return led


def _requests(
    led: Mapping[int, Mapping[str, list[int]]],
    at: int | Mapping[TopicPartition, int],
    *,
    committed: bool,
) -> dict[int, ListOffsetsRequest]:
    def time_of(topic: str, partition: int) -> i64:
        return i64(at if isinstance(at, int) else at[TopicPartition(topic, partition)])

    return {
        leader: ListOffsetsRequest(
            replica_id=BrokerId(-1),
            isolation_level=READ_COMMITTED if committed else _READ_UNCOMMITTED,
            topics=tuple(
                ListOffsetsTopic(
                    name=TopicName(topic),
                    partitions=tuple(
                        ListOffsetsPartition(partition_index=i32(p), timestamp=time_of(topic, p))
                        for p in indexes
                    ),
                )
                for topic, indexes in topics.items()
            ),
        )
        for leader, topics in led.items()
    }


def _take(
    answer: Any, found: dict[TopicPartition, int], refused: dict[TopicPartition, ErrorCode]
) -> None:
    for topic in answer.topics:
        for told in topic.partitions:
            partition = TopicPartition(topic.name, told.partition_index)
            if told.error_code is ErrorCode.none:
                found[partition] = told.offset
            else:
                refused[partition] = told.error_code
