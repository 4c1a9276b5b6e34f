"""What a hostile client sends: every API, every size up to the limits, every text."""

import gzip
import random
import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from dataplane.wire.primitives import encode_uvarint
from tests.dataplane.virtual.instances import OFFERED, generated, request_frame

TOPIC: Final = "loot"
"""The attacker's own, which it may write to and read from."""
_SIZES: Final = (1_000, 40_000, 300_000, 1_300_000)
"""Elements of an array: below every limit, at it, and far above."""
_GZIP: Final = 1
_LONGEST: Final = 32_767
_ODD: Final = "\0\x01\x1b[2J\r\n\t\\|*`<a>\u2028\u202e\ud7ff\ufffd\U0010ffff'\"éа名"


def hostile(seed: random.Random) -> bytes:
    """A request without its length."""
    return seed.choice(_KINDS)(seed)


def fetch(correlation_id: int) -> bytes:
    """Fetch as much as there is of the attacker's topic, from its beginning."""
    asked = struct.pack(">iqi", 0, 0, 50_000_000)
    topics = _array([_text(TOPIC) + _array([asked])])
    body = struct.pack(">iiiib", -1, 100, 1, 60_000_000, 0) + topics
    return _header(1, 4, correlation_id) + body


def produce(seed: random.Random, value: bytes, codec: int = 0) -> bytes:
    """Write one record to the attacker's topic."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    builder.append(0, 1_700_000_000_000, None, value, [])
    batch = bytes(builder.build())
    partition = struct.pack(">ii", 0, len(batch)) + batch
    body = struct.pack(">hhi", -1, 1, 1000) + _array([_text(TOPIC) + _array([partition])])
    return _header(0, 3, seed.randrange(1 << 30)) + body


def create(names: list[str]) -> bytes:
    """Create topics (CreateTopics 2), those with an even place with the broker's times."""
    config = _text("message.timestamp.type") + _text("LogAppendTime")
    topics = [
        _text(name)
        + struct.pack(">ih", 1, 1)
        + _array([])
        + _array([config] if number % 2 == 0 else [])
        for number, name in enumerate(names)
    ]
    return _header(19, 2, 1) + _array(topics) + struct.pack(">ib", 1000, 0)


def delete(names: list[str]) -> bytes:
    """Delete topics (DeleteTopics 1)."""
    return _header(20, 1, 1) + _array([_text(name) for name in names]) + struct.pack(">i", 1000)


def _any(seed: random.Random) -> bytes:
    """A valid request of any API and version, half of them with some bytes changed."""
    key, version = seed.choice(OFFERED)
    made = generated(key, version, "request", seed.randrange(1000))
    frame = bytearray(request_frame(key, version, made))
    if seed.random() < 0.5:
        for _ in range(4):
            frame[seed.randrange(8, len(frame))] = seed.randrange(256)
    return bytes(frame)


def _many(seed: random.Random) -> bytes:
    """One array with as many elements as fit."""
    count = seed.choice(_SIZES)
    name = _text(seed.choice(["a", "zz", "\\2x", ""]))
    key, version, element, rest = seed.choice(
        [
            (3, 1, name, b""),  # Metadata
            (20, 1, name, struct.pack(">i", 1000)),  # DeleteTopics
            (15, 0, name, b""),  # DescribeGroups
            (42, 0, name, b""),  # DeleteGroups
            (32, 0, b"\2" + name + struct.pack(">i", -1), b""),  # DescribeConfigs
            (19, 2, name + struct.pack(">ihii", 1, 1, 0, 0), struct.pack(">ib", 1000, 1)),
            (2, 1, name + _array([struct.pack(">iq", 0, -1)]), b""),  # ListOffsets
        ]
    )
    before = struct.pack(">i", -1) if key == 2 else b""
    header = _header(key, version, seed.randrange(1 << 30))
    return header + before + struct.pack(">i", count) + element * count + rest


def _keys(seed: random.Random) -> bytes:
    """FindCoordinator 4 with very many keys, of a type that there is or is not."""
    count = seed.choice(_SIZES)
    key = b"\4" + b"\\2x"
    body = (
        struct.pack(">b", seed.choice([0, 1, 2])) + encode_uvarint(count + 1) + key * count + b"\0"
    )
    return _header(10, 4, seed.randrange(1 << 30)) + b"\0" + body


def _odd(seed: random.Random) -> bytes:
    """A name that nobody expects: an id of a transaction or a group."""
    length = seed.choice([1, 8, 249, 250, _LONGEST // 4])
    text = "".join(seed.choices(_ODD, k=length))
    named = _text(text)
    key, body = seed.choice(
        [
            (22, named + struct.pack(">i", 60_000)),  # InitProducerId
            (10, named),  # FindCoordinator
            (15, _array([named])),  # DescribeGroups
            (11, _join(named)),  # JoinGroup
            (8, _commit(named)),  # OffsetCommit
        ]
    )
    version = {11: 2, 8: 2}.get(key, 0)
    return _header(key, version, seed.randrange(1 << 30)) + body


def _join(group: bytes) -> bytes:
    protocols = _array([_text("range") + struct.pack(">i", 4) + b"\0\0\0\0"])
    return group + struct.pack(">ii", 6000, 1000) + _text("") + _text("consumer") + protocols


def _commit(group: bytes) -> bytes:
    position = struct.pack(">iq", 0, 1) + group
    topics = _array([_text(TOPIC) + _array([position])])
    return group + struct.pack(">i", -1) + group + struct.pack(">q", -1) + topics


def _bomb(seed: random.Random) -> bytes:
    """A record of a megabyte that is a kilobyte on its way, and one that is no gzip at all."""
    value = b"\0" * seed.choice([1_000_000, 3_000_000])
    if seed.random() < 0.2:
        value = gzip.compress(value)
    return produce(seed, value, _GZIP)


_Kind: TypeAlias = Callable[[random.Random], bytes]
_KINDS: Final[tuple[_Kind, ...]] = (_any, _any, _many, _keys, _odd, _bomb)


def _header(key: int, version: int, correlation_id: int) -> bytes:
    return struct.pack(">hhi", key, version, correlation_id) + _text("attacker")


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded


def _array(elements: list[bytes]) -> bytes:
    return struct.pack(">i", len(elements)) + b"".join(elements)
