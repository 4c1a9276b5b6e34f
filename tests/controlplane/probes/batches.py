"""Batches of records byte by byte, as no library would write them, sent to a real broker."""

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from struct import pack

from crc32c import crc32c
from kio.schema.errors import ErrorCode
from kio.schema.produce.v9.request import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from kio.schema.types import TopicName
from kio.static.primitive import Records, i16, i32, i32Timedelta

from contract.clusters_file import ClusterProperties
from upstream.access import access_to
from upstream.inquiry import Inquiry, inquiry

_GZIP = 1
_NOT_YET = {ErrorCode.unknown_topic_or_partition, ErrorCode.not_leader_or_follower}
"""A topic that was just created."""


@dataclass(frozen=True)
class Raw:
    """A record."""

    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1000
    headers: Sequence[tuple[bytes, bytes | None]] = field(default=())


def batch(
    *records: Raw,
    compressed: bool = False,
    attributes: int = 0,
    producer_id: int = -1,
    base_offset: int = 0,
) -> bytes:
    """A batch of format 2 (`DefaultRecordBatch`)."""
    first = records[0].timestamp
    body = b"".join(_record(n, r, r.timestamp - first) for n, r in enumerate(records))
    payload = gzip.compress(body) if compressed else body
    counted = pack(
        ">hiqqqhii",
        attributes | (_GZIP if compressed else 0),
        len(records) - 1,
        first,
        max(record.timestamp for record in records),
        producer_id,
        -1,
        -1,
        len(records),
    )
    after_crc = counted + payload
    checked = pack(">ibI", -1, 2, crc32c(after_crc)) + after_crc
    return pack(">qi", base_offset, len(checked)) + checked


def _record(number: int, record: Raw, delta: int) -> bytes:
    body = b"\0" + _varint(delta) + _varint(number)
    body += _bytes(record.key) + _bytes(record.value) + _varint(len(record.headers))
    for key, value in record.headers:
        body += _bytes(key) + _bytes(value)
    return _varint(len(body)) + body


def _bytes(value: bytes | None) -> bytes:
    return _varint(-1) if value is None else _varint(len(value)) + value


def _varint(number: int) -> bytes:
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


async def append(cluster: ClusterProperties, topic: str, partition: int, records: bytes) -> None:
    """Have a cluster of one broker append a batch, unless it refuses."""
    data = PartitionProduceData(index=i32(partition), records=Records(records))
    request = ProduceRequest(
        acks=i16(-1),
        timeout=i32Timedelta.parse(timedelta(seconds=10)),
        topic_data=(TopicProduceData(name=TopicName(topic), partition_data=(data,)),),
    )
    async with inquiry(access_to(cluster)) as asked:
        while (code := await _asked(asked, request)) in _NOT_YET:  # noqa: ASYNC110 - the broker says it to who asks
            await asyncio.sleep(0.02)
    assert code is ErrorCode.none


async def _asked(asked: Inquiry, request: ProduceRequest) -> ErrorCode:
    (answer,) = await asked.ask(asked.brokers[0], request)
    return answer.responses[0].partition_responses[0].error_code
