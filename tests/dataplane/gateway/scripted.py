"""A broker that misbehaves on demand, and a client that is nothing but a socket."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Self

PRODUCE, FETCH, DESCRIBE_CONFIGS, HANDSHAKE, API_VERSIONS, AUTHENTICATE = 0, 1, 32, 17, 18, 36
DESCRIBE_ACLS = 29

NO_TOPICS = struct.pack(">i", 0)
PRODUCE_3 = struct.pack(">hhi", -1, 1, 1000) + NO_TOPICS
"""Produce version 3 with acks=1 and nothing in it."""
PRODUCE_3_UNANSWERED = struct.pack(">hhi", -1, 0, 1000) + NO_TOPICS
"""The same with acks=0."""
PRODUCE_3_ANSWER = struct.pack(">ii", 0, 0)
FETCH_4 = struct.pack(">iiiib", -1, 500, 1, 1024, 0) + NO_TOPICS
FETCH_4_ANSWER = struct.pack(">ii", 0, 0)
DESCRIBE_BROKER_1 = struct.pack(">ibh1sib", 1, 4, 1, b"1", -1, 0)
"""DescribeConfigs version 1 of a broker, which no virtual cluster has."""
ALL_ACLS = struct.pack(">bhbhhbb", 1, -1, 1, -1, -1, 1, 1)
"""DescribeAcls version 1 without any filter."""


def framed(payload: bytes) -> bytes:
    return struct.pack(">i", len(payload)) + payload


def request(key: int, version: int, correlation_id: int, body: bytes) -> bytes:
    """A request without client id, framed."""
    return framed(struct.pack(">hhih", key, version, correlation_id, -1) + body)


def answer(correlation_id: int, body: bytes) -> bytes:
    return framed(struct.pack(">i", correlation_id) + body)


async def eventually(holds: Callable[[], object], limit: float = 5.0) -> None:
    """Wait until something holds."""
    give_up_at = monotonic() + limit
    while not holds():
        assert monotonic() < give_up_at, "it did not come about"
        await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Asked:
    """A request as the broker got it."""

    key: int
    correlation_id: int
    writer: asyncio.StreamWriter

    def answer(self, body: bytes) -> None:
        self.writer.write(answer(self.correlation_id, body))


class ScriptedBroker:
    """Notes what it is asked, answers nothing by itself."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Asked] = asyncio.Queue()
        self.connections: list[asyncio.StreamWriter] = []
        self.reads = asyncio.Event()
        """Cleared: what is sent stays in the sockets."""
        self.reads.set()
        self.port = 0
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        # Little room, so that a broker that does not read is soon noticed.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=4096)
        self.port = listening.getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for connection in self.connections:
            connection.transport.abort()

    async def next(self) -> Asked:
        async with asyncio.timeout(5):
            return await self.asked.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            while True:
                await self.reads.wait()
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                frame = await reader.readexactly(size)
                key, _, correlation_id = struct.unpack_from(">hhi", frame)
                self.asked.put_nowait(Asked(key, correlation_id, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class RawClient:
    """Sends bytes and reads frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, bootstrap: str, context: ssl.SSLContext | None = None) -> Self:
        host, port = bootstrap.split(":")
        return cls(*await asyncio.open_connection(host, int(port), ssl=context))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.transport.abort()

    def send(self, *requests: bytes) -> None:
        self.writer.write(b"".join(requests))

    async def receive(self) -> tuple[int, bytes]:
        """The next answer: its correlation id and its body."""
        async with asyncio.timeout(5):
            (size,) = struct.unpack(">i", await self.reader.readexactly(4))
            frame = await self.reader.readexactly(size)
        return struct.unpack_from(">i", frame)[0], frame[4:]

    async def skip(self, size: int) -> None:
        """Read bytes that do not matter."""
        async with asyncio.timeout(5):
            await self.reader.readexactly(size)

    async def closed(self) -> bool:
        """Whether the gateway closes the connection, and sends nothing before."""
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    async def shake_hands(self) -> None:
        self.send(request(HANDSHAKE, 1, 1, struct.pack(">h5s", 5, b"PLAIN")))
        assert (await self.receive())[1][:2] == b"\0\0"

    async def authenticate(self, token: str, user: str = "sa") -> int:
        """The error code of SaslAuthenticate."""
        await self.shake_hands()
        self.send(authentication(token, 2, user))
        (code,) = struct.unpack_from(">h", (await self.receive())[1])
        return int(code)


def authentication(token: str, correlation_id: int, user: str = "sa") -> bytes:
    """A SaslAuthenticate request with PLAIN."""
    credentials = f"\0{user}\0{token}".encode()
    body = struct.pack(">i", len(credentials)) + credentials
    return request(AUTHENTICATE, 0, correlation_id, body)
