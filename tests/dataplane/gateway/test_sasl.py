"""SASL as old and new clients speak it, byte by byte."""

import asyncio
import struct

import pytest

from tests.dataplane.gateway.conftest import Stage

pytestmark = pytest.mark.environment

METADATA, SASL_HANDSHAKE, API_VERSIONS = 3, 17, 18


def _request(key: int, version: int, body: bytes) -> bytes:
    header = struct.pack(">hhih", key, version, 7, -1)
    return struct.pack(">i", len(header + body)) + header + body


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


class Wire:
    """A client that writes its own bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, frame: bytes) -> bytes:
        self._writer.write(frame)
        async with asyncio.timeout(5):
            (length,) = struct.unpack(">i", await self._reader.readexactly(4))
            return await self._reader.readexactly(length)

    async def is_closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self._reader.read() == b""

    def send(self, frame: bytes) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def wire(stage: Stage):
    host, port = stage.bootstrap.split(":")
    opened = Wire(*await asyncio.open_connection(host, int(port)))
    yield opened
    opened.close()


def _token(stage: Stage, **claims: object) -> bytes:
    message = b"\0sa\0" + stage.token(**claims).encode()
    return struct.pack(">i", len(message)) + message


async def test_handshake_version_0_takes_a_bare_token(stage: Stage, wire: Wire):
    answer = await wire.ask(_request(SASL_HANDSHAKE, 0, _text("PLAIN")))
    assert struct.unpack_from(">ih", answer) == (7, 0)
    assert await wire.ask(_token(stage)) == b""
    metadata = await wire.ask(_request(METADATA, 0, struct.pack(">i", 0)))
    assert struct.unpack_from(">i", metadata) == (7,)


async def test_a_bad_bare_token_ends_the_connection(stage: Stage, wire: Wire):
    await wire.ask(_request(SASL_HANDSHAKE, 0, _text("PLAIN")))
    wire.send(_token(stage, exp=1))
    assert await wire.is_closed()


async def test_another_mechanism_is_refused_by_name(wire: Wire):
    answer = await wire.ask(_request(SASL_HANDSHAKE, 1, _text("GSSAPI")))
    assert struct.unpack_from(">ih", answer) == (7, 33)
    assert b"PLAIN" in answer


async def test_versions_may_be_asked_before_anything_else(wire: Wire):
    answer = await wire.ask(_request(API_VERSIONS, 0, b""))
    correlation_id, error, count = struct.unpack_from(">ihi", answer)
    assert (correlation_id, error) == (7, 0)
    assert count > 20


async def test_a_newer_client_is_told_the_versions_that_there_are(wire: Wire):
    answer = await wire.ask(_request(API_VERSIONS, 99, b""))
    assert struct.unpack_from(">ih", answer) == (7, 35)
