"""Whatever a broker takes from a client: batches by chance, the same for the same seed."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition
from kio.schema.errors import ErrorCode

from contract.clusters_file import ClusterProperties
from sandbox.kafka import KafkaCluster
from tests.controlplane.probes.batches import CODECS, ODD_COMPRESSIONS, Raw, batch, offer
from upstream.access import access_to
from upstream.inquiry import inquiry

PARTITIONS: Final = 60
"""Of the topic that they are written to: each is looked at by itself."""
MOST_BYTES: Final = 1_000_000
"""What a topic takes by default, and a little less."""
GROWN_BYTES: Final = 4_000_000
"""Of a value that is within that only because it is compressed."""
REFUSED: Final = {
    ErrorCode.invalid_timestamp,
    ErrorCode.message_too_large,
    ErrorCode.invalid_record,
}
"""What a broker says that does not take one, as too late a time."""

_LARGE: Final = 0.2
"""How many of the batches are one large record."""
_ODD: Final = 0.2
"""How many are compressed as no library does it; and how many records are written so."""

Chance = random.Random
Held = tuple[int | None, bytes | None, bytes | None]
"""Partition, key and value of a record."""


async def write_any(cluster: ClusterProperties, topic: str, seed: str) -> list[Held]:
    """Write one batch or more to each partition; the records that were taken, in their order."""
    taken: list[Held] = []
    async with inquiry(access_to(cluster)) as asked:
        for partition, records, written in _batches(seed):
            code = await offer(asked, topic, partition, written)
            assert code is ErrorCode.none or code in REFUSED, code
            if code is ErrorCode.none:
                taken += [(partition, record.key, record.value) for record in records]
    return taken


def ends(cluster: KafkaCluster, topic: str, partitions: int = PARTITIONS) -> list[int]:
    """The end offset of each partition."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap_servers, "group.id": topic})
    places = [TopicPartition(topic, n) for n in range(partitions)]
    found = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
    consumer.close()
    return found


def read(cluster: KafkaCluster, topic: str, begins: list[int]) -> list[Message]:
    """What came behind these offsets, as the mirror's producer wrote it: by none was one left out.

    Originals are not read so: librdkafka cannot decompress all that a broker takes.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "group.id": topic,
            "enable.auto.commit": False,
        }
    )
    left = sum(ends(cluster, topic, len(begins))) - sum(begins)
    consumer.assign([TopicPartition(topic, n, begin) for n, begin in enumerate(begins)])
    found: list[Message] = []
    give_up_at = time.monotonic() + 60
    while len(found) < left:
        assert time.monotonic() < give_up_at, f"{len(found)} of {left} records were read"
        found += consumer.consume(1000, timeout=1)
        assert [str(message.error()) for message in found if message.error()] == []
    consumer.close()
    return sorted(found, key=lambda message: message.partition() or 0)


def content(messages: list[Message]) -> list[Held]:
    """What is compared of them."""
    return [(message.partition(), message.key(), message.value()) for message in messages]


def _batches(seed: str) -> Iterator[tuple[int, list[Raw], bytes]]:
    """Partitions, and what is for them."""
    for partition in range(PARTITIONS):
        chance = random.Random(f"{seed} {partition}")
        for _ in range(chance.randint(1, 3)):
            yield partition, *_batch(chance)


def _batch(chance: Chance) -> tuple[list[Raw], bytes]:
    codec, compress = chance.choice(CODECS), None
    if chance.random() < _ODD:
        codec, compress = chance.choice(ODD_COMPRESSIONS)
    at = chance.choice(_TIMES)
    if chance.random() < _LARGE:
        records = [_record(chance, _grown if codec else _large, at)]
    else:
        records = [_record(chance, _small, at) for _ in range(chance.randint(1, 30))]
    return records, batch(*records, codec=codec, compress=compress)


def _record(
    chance: Chance, value: Callable[[Chance], bytes | None], at: Callable[[Chance], int]
) -> Raw:
    is_odd = chance.random() < _ODD
    return Raw(
        value(chance),
        key=chance.choice((None, b"", chance.randbytes(chance.randint(1, 300)))),
        timestamp=at(chance),
        headers=[_header(chance) for _ in range(chance.choice((0, 0, 1, 2, 40)))],
        attributes=chance.choice((1, 0x7F, 0x80, 0xFF)) if is_odd else 0,
        is_overlong=is_odd,
    )


def _header(chance: Chance) -> tuple[bytes, bytes | None]:
    """A name that is repeated, or empty, or no text."""
    broken = bytes(chance.choice(_OF_UTF_8) for _ in range(chance.randint(1, 8)))
    name = chance.choice((b"", b"h", b"h", "naïve".encode(), b"\x00\n", broken, broken))
    return name, chance.choice((None, b"", chance.randbytes(20)))


_OF_UTF_8: Final = (
    *(0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBD, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE2),
    *(0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xF8, 0xFF),
)
"""Bytes of which names are made that are no UTF-8 in every way there is."""


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


_TIMES: Final[tuple[Callable[[Chance], int], ...]] = (
    lambda _: -1,
    lambda chance: -chance.randint(2, 1 << 50),
    lambda chance: chance.randint(0, 1000),
    lambda chance: _now_ms() + chance.randint(-100_000, 100_000),
    lambda chance: _now_ms() + chance.choice((1 << 20, 1 << 40)),
)
"""None, impossible ones, of 1970, about now, and beyond what a broker takes by default."""


def _small(chance: Chance) -> bytes | None:
    return chance.choice((None, b"", chance.randbytes(20), chance.randbytes(400)))


def _large(chance: Chance) -> bytes:
    return chance.randbytes(MOST_BYTES - chance.randint(2_000, 20_000))


def _grown(chance: Chance) -> bytes:
    return chance.randbytes(100) * (GROWN_BYTES // 100)
