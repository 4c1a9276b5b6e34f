"""Fetch requests for many partitions, and what of their records an answer holds.

Version 11 of the API: what every Kafka since 2.3 understands, without topic ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from kio.schema.errors import ErrorCode
from kio.schema.fetch.v11.request import FetchPartition, FetchRequest, FetchTopic
from kio.schema.types import TopicName
from kio.static.primitive import i32, i32Timedelta, i64

from controlplane.probes.batch_headers import PackedBatches
from controlplane.probes.cluster_logs import READ_COMMITTED
from controlplane.probes.committed_records import CommittedRecords

_WAIT: Final = i32Timedelta.parse(timedelta(milliseconds=50))
"""What is asked for is there, but for a moment after a broker was changed."""
_PARTITION_BYTES: Final = i32(1 << 20)
_ANSWER_BYTES: Final = i32(8 << 20)


class FetchedPartition(NamedTuple):
    """What one answer holds of one partition."""

    partition: TopicPartition
    error: ErrorCode
    batches: bytes
    aborted: Sequence[tuple[int, int]]
    """Producer ids of transactions that were taken back, and where each begins."""

    def records(self, begin: int) -> CommittedRecords:
        """The committed ones from an offset on, decoded one by one by whoever iterates."""
        return CommittedRecords(self.partition, self.batches, self.aborted, begin)

    def packed(self, begin: int) -> PackedBatches:
        """The same by the headers of their batches, of which nothing is decompressed."""
        return PackedBatches(self.batches, self.aborted, begin)


def fetch_requests(
    led: Mapping[int, Mapping[str, Sequence[int]]], begins: Mapping[TopicPartition, int]
) -> dict[int, FetchRequest]:
    """One for each broker.

    Args:
        led: broker to topic to the partitions that it leads; the first ones are answered first.
        begins: the first offset that is wanted of each.
    """
    return {
        leader: FetchRequest(
            max_wait=_WAIT,
            min_bytes=i32(1),
            max_bytes=_ANSWER_BYTES,
            isolation_level=READ_COMMITTED,
            topics=tuple(
                FetchTopic(
                    topic=TopicName(topic),
                    partitions=tuple(
                        FetchPartition(
                            partition=i32(p),
                            fetch_offset=i64(begins[TopicPartition(topic, p)]),
                            partition_max_bytes=_PARTITION_BYTES,
                        )
                        for p in partitions
                    ),
                )
                for topic, partitions in topics.items()
            ),
            forgotten_topics_data=(),
        )
        for leader, topics in led.items()
    }


def fetched(answer: Any) -> Iterator[FetchedPartition]:
    """What an answer holds, partition by partition."""
    for topic in answer.responses:
        for data in topic.partitions:
            yield FetchedPartition(
                TopicPartition(topic.topic, data.partition_index),
                data.error_code if answer.error_code is ErrorCode.none else answer.error_code,
                data.records or b"",
                [(a.producer_id, a.first_offset) for a in data.aborted_transactions or ()],
            )
