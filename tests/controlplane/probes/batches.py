"""Batches of records byte by byte, as no library would write them, sent to a real broker."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from struct import pack

from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
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

PLAIN, GZIP, SNAPPY, LZ4, ZSTD = CODECS = range(5)
_COMPRESS = {GZIP: gzip_encode, SNAPPY: snappy_encode, LZ4: lz4_encode, ZSTD: zstd_encode}
_BEHIND = b"garbage!" * 5


def _halves(encode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda body: encode(body[: len(body) // 2]) + encode(body[len(body) // 2 :])


def _newer_xerial(body: bytes) -> bytes:
    written = snappy_encode(body)
    return written[:8] + pack(">ii", 2, 2) + written[16:]


ODD_COMPRESSIONS: Sequence[tuple[int, Callable[[bytes], bytes]]] = (
    (GZIP, lambda body: gzip_encode(body) + _BEHIND),
    (GZIP, _halves(gzip_encode)),
    (SNAPPY, _halves(snappy_encode)),
    (SNAPPY, _newer_xerial),
    (SNAPPY, lambda body: bytes(snappy_encode(body, xerial_compatible=False))),
    (LZ4, lambda body: bytes(lz4_encode(body)) + _BEHIND),
    (ZSTD, _halves(zstd_encode)),
)
"""As brokers take it and no library writes it."""
_NOT_YET = {ErrorCode.unknown_topic_or_partition, ErrorCode.not_leader_or_follower}
"""A topic that was just created."""


@dataclass(frozen=True)
class Raw:
    """A record."""

    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1000
    headers: Sequence[tuple[bytes, bytes | None]] = field(default=())
    attributes: int = 0
    """None is defined."""
    is_overlong: bool = False
    """Whether its numbers are written with more bits than they have."""


def batch(
    *records: Raw,
    codec: int = PLAIN,
    compress: Callable[[bytes], bytes] | None = None,
    attributes: int = 0,
    producer_id: int = -1,
    base_offset: int = 0,
    newest: int | None = None,
    body: bytes | None = None,
    count: int | None = None,
) -> bytes:
    """A batch of format 2 (`DefaultRecordBatch`).

    `compress`: in another way than usual; `newest`, `body`, `count`: others than its records say.
    """
    first = records[0].timestamp
    if body is None:
        body = b"".join(_record(n, r, r.timestamp - first) for n, r in enumerate(records))
    compress = compress or _COMPRESS.get(codec, bytes)
    payload = compress(body)
    counted = pack(
        ">hiqqqhii",
        attributes | codec,
        len(records) - 1,
        first,
        max(record.timestamp for record in records) if newest is None else newest,
        producer_id,
        -1,
        -1,
        len(records) if count is None else count,
    )
    after_crc = counted + payload
    checked = pack(">ibI", -1, 2, crc32c(after_crc)) + after_crc
    return pack(">qi", base_offset, len(checked)) + checked


def _record(number: int, record: Raw, delta: int) -> bytes:
    varint = _overlong if record.is_overlong else _varint

    def bytes_(value: bytes | None) -> bytes:
        return varint(-1) if value is None else varint(len(value)) + value

    body = b"".join(
        (
            bytes([record.attributes]),
            _varint(delta),
            varint(number),
            bytes_(record.key),
            bytes_(record.value),
            varint(len(record.headers)),
            *(bytes_(name) + bytes_(value) for name, value in record.headers),
        )
    )
    return varint(len(body)) + body


def _varint(number: int) -> bytes:
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _overlong(number: int) -> bytes:
    """In five bytes, the three bits of which that a number of 32 bits has no place for are set."""
    left = ((number << 1) ^ (number >> 31)) & 0xFFFFFFFF
    return bytes([*(left >> shift & 0x7F | 0x80 for shift in (0, 7, 14, 21)), left >> 28 | 0x70])


async def append(cluster: ClusterProperties, topic: str, partition: int, records: bytes) -> None:
    """Have a cluster of one broker append a batch, unless it refuses."""
    async with inquiry(access_to(cluster)) as asked:
        assert await offer(asked, topic, partition, records) is ErrorCode.none


async def offer(asked: Inquiry, topic: str, partition: int, records: bytes) -> ErrorCode:
    """What the only broker of a cluster says to a batch."""
    data = PartitionProduceData(index=i32(partition), records=Records(records))
    request = ProduceRequest(
        acks=i16(-1),
        timeout=i32Timedelta.parse(timedelta(seconds=10)),
        topic_data=(TopicProduceData(name=TopicName(topic), partition_data=(data,)),),
    )
    while (code := await _asked(asked, request)) in _NOT_YET:  # noqa: ASYNC110 - the broker says it to who asks
        await asyncio.sleep(0.02)
    return code


async def _asked(asked: Inquiry, request: ProduceRequest) -> ErrorCode:
    (answer,) = await asked.ask(asked.brokers[0], request)
    return answer.responses[0].partition_responses[0].error_code
