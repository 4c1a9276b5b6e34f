"""Produce requests as Java's producer sends them, and a broker's answers: bytes for benchmarks."""

import struct

from lone_gateway import USER, VCLUSTER, token

PRODUCE, HANDSHAKE, AUTHENTICATE = 0, 17, 36
VERSION = 12
CORRELATION_ID = 7
TOPIC = b"users"
CLIENT_ID = b"perf-producer-client"
UNIQUE = 1 << 56
"""The producer id of a producer that is as old as the gateway's cluster is (ADR 6)."""

_BATCH_HEADER = 61


def framed(payload: bytes) -> bytes:
    """With its length in front."""
    return struct.pack(">i", len(payload)) + payload


def asked(key: int, version: int, body: bytes) -> bytes:
    """A request with a header that has no tagged fields, framed."""
    header = struct.pack(">hhih", key, version, CORRELATION_ID, len(CLIENT_ID)) + CLIENT_ID
    return framed(header + body)


def log_in() -> list[bytes]:
    """The two requests that begin a connection."""
    secret = f"\0{USER}\0{token()}".encode()
    return [
        asked(HANDSHAKE, 1, struct.pack(">h5s", 5, b"PLAIN")),
        asked(AUTHENTICATE, 0, struct.pack(">i", len(secret)) + secret),
    ]


def write(size: int) -> bytes:
    """One batch with so many bytes of records for one partition, framed."""
    batch = struct.pack(
        ">qiibIhiqqqhii",
        *(0, _BATCH_HEADER - 12 + size, -1, 2, 0, 0, 0, 0, 0, UNIQUE, 0, 0, 1),
    ) + bytes(size)
    records = _uvarint(len(batch) + 1) + batch
    partition = struct.pack(">i", 0) + records + b"\0"
    topic = _compact(TOPIC) + b"\2" + partition + b"\0"
    return asked(PRODUCE, VERSION, b"\0\0" + struct.pack(">hi", -1, 30_000) + b"\2" + topic + b"\0")


def written() -> bytes:
    """A broker's answer to it, framed."""
    partition = struct.pack(">ihqqq", 0, 0, 5, -1, 0) + b"\1\0\0"
    topic = _compact(VCLUSTER.encode() + TOPIC) + b"\2" + partition + b"\0"
    header = struct.pack(">i", CORRELATION_ID) + b"\0"
    return framed(header + b"\2" + topic + struct.pack(">i", 0) + b"\0")


def _compact(text: bytes) -> bytes:
    return _uvarint(len(text) + 1) + text


def _uvarint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
