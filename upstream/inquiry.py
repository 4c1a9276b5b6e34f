"""Questions of our own to a physical cluster, for which no client library has a call.

Answers come in the order of the requests, so many are asked at once. The versions used are those of
Kafka 3.0 and later.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from struct import Struct
from typing import Any, Final, NamedTuple

from kio.schema.api_versions.v0.request import ApiVersionsRequest
from kio.schema.metadata.v9.request import MetadataRequest
from kio.serial import entity_reader, entity_writer
from kio.serial.errors import SerialError
from kio.static.primitive import i16, i32

from upstream.access import ClusterAccess
from upstream.login import CLIENT_ID
from upstream.sasl.mechanism import LoginRefusedError

_LENGTH: Final = Struct(">i")
_AT_ONCE: Final = 50
"""Requests that are under way on one connection."""
_PATIENCE_S: Final = 2.0
"""For one broker's answers, where another can give them as well."""
_UNREADABLE: Final = (SerialError, KeyError, ValueError, IndexError)
"""What kio raises of bytes that are no such answer."""


class InquiryError(Exception):
    """A cluster did not answer, or not so that it can be read; the message says which and how."""


class Unread(NamedTuple):
    """A broker's answer, not read yet: many are the same as the last time."""

    broker: str
    request: Any
    body: bytes

    def read(self) -> Any:
        """The answer as kio's dataclass. Raises InquiryError."""
        try:
            _, read_body = _readers(self.request.__class__)
            body, _ = read_body(self.body, 0)
        except _UNREADABLE as error:
            raise InquiryError(f"{self.broker} answers what cannot be read: {error!r}") from error
        return body


class Connection:
    """One connection to one broker, logged in."""

    def __init__(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer
        self._correlation_id = 0

    @classmethod
    async def open(cls, access: ClusterAccess, host: str, port: int) -> "Connection":
        """Connect and log in.

        Raises:
            InquiryError: nobody answers there, or does not let us in.
        """
        try:
            reader, writer = await asyncio.open_connection(host, port, ssl=access.tls_context())
        except OSError as error:
            raise InquiryError(
                f"{access.name} at {host}:{port} does not answer: {error}"
            ) from error
        connection = cls(f"{access.name} at {host}:{port}", reader, writer)
        try:
            login = await access.login()
            request = login.begin() if login is not None else None
            while login is not None and request is not None:
                connection._send(request)
                request = login.answered(await connection._receive())
        except LoginRefusedError as error:
            connection.close()
            raise InquiryError(f"{connection._name} does not let us in: {error}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """End the connection."""
        self._writer.transport.abort()

    async def ask(self, request: Any) -> Any:
        """The answer to one request, both as kio's dataclasses. Raises InquiryError."""
        (answer,) = await self.ask_all([request])
        return answer

    async def ask_all(self, requests: Sequence[Any]) -> list[Any]:
        """The answers to many requests, in their order. Raises InquiryError."""
        return [answer.read() for answer in await self.ask_unread(requests)]

    async def ask_unread(self, requests: Sequence[Any]) -> list[Unread]:
        """The same, for whoever may not have to read them. Raises InquiryError."""
        answers: list[Unread] = []
        for start in range(0, len(requests), _AT_ONCE):
            some = requests[start : start + _AT_ONCE]
            for request in some:
                self._correlation_id += 1
                self._send(_encoded(request, self._correlation_id))
            answers += [self._unread(request, await self._receive()) for request in some]
        return answers

    def _send(self, frame: bytes) -> None:
        self._writer.write(_LENGTH.pack(len(frame)) + frame)

    async def _receive(self) -> bytes:
        try:
            await self._writer.drain()
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return await self._reader.readexactly(length)
        except (OSError, EOFError) as error:
            raise InquiryError(f"{self._name} ended the connection: {error!r}") from error

    def _unread(self, request: Any, frame: bytes) -> Unread:
        try:
            read_header, _ = _readers(request.__class__)
            _, at = read_header(frame, 0)
        except _UNREADABLE as error:
            raise InquiryError(f"{self._name} answers what cannot be read: {error!r}") from error
        return Unread(self._name, request, frame[at:])


def _encoded(request: Any, correlation_id: int) -> bytes:
    header = request.__header_schema__(
        request_api_key=i16(request.__api_key__),
        request_api_version=i16(request.__version__),
        correlation_id=i32(correlation_id),
        client_id=CLIENT_ID,
    )
    frame = io.BytesIO()
    entity_writer(request.__header_schema__)(frame, header)
    entity_writer(type(request))(frame, request)
    return frame.getvalue()


@cache
def _readers(request: Any) -> tuple[Any, Any]:
    """What reads the header and the body of the answer to a kind of request."""
    module = import_module(request.__module__.replace(".request", ".response"))
    response = getattr(module, request.__name__.replace("Request", "Response"))
    return entity_reader(response.__header_schema__), entity_reader(response)


class Inquiry:
    """The brokers of one cluster, each connected to when first asked."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._addresses: dict[int, tuple[str, int]] = {}
        self._connections: dict[int, Connection] = {}
        self._apis: dict[int, frozenset[int]] = {}

    @property
    def name(self) -> str:
        """The cluster's, in `clusters.yaml`."""
        return self._access.name

    @property
    def brokers(self) -> tuple[int, ...]:
        """Ids of all brokers."""
        return tuple(self._addresses)

    async def begin(self) -> None:
        """Find the brokers: at least one. Raises InquiryError."""
        problem = InquiryError(f"{self._access.name} has no bootstrap server")
        for host, port in self._access.servers():
            try:
                connection = await Connection.open(self._access, host, port)
            except InquiryError as error:
                problem = error
                continue
            try:
                found = await connection.ask(_NO_TOPICS)
            finally:
                connection.close()
            self._addresses = {
                broker.node_id: (broker.host, broker.port) for broker in found.brokers
            }
            if self._addresses:
                return
            # After a pause its controller has fenced every broker, for a moment.
            problem = InquiryError(
                f"{self._access.name} at {host}:{port} lists no broker at present"
            )
        raise problem

    async def apis(self, broker: int) -> frozenset[int]:
        """Keys of the APIs that a broker has. Raises InquiryError."""
        if broker not in self._apis:
            (answer,) = await self.ask(broker, ApiVersionsRequest())
            self._apis[broker] = frozenset(api.api_key for api in answer.api_keys)
        return self._apis[broker]

    async def ask(self, broker: int, *requests: Any) -> list[Any]:
        """A broker's answers, in the order of the requests. Raises InquiryError."""
        return [answer.read() for answer in await self.ask_unread(broker, *requests)]

    async def ask_unread(self, broker: int, *requests: Any) -> list[Unread]:
        """The same, for whoever may not have to read them. Raises InquiryError."""
        if broker not in self._addresses:
            raise InquiryError(f"{self._access.name} has no broker {broker} at present")
        if broker not in self._connections:
            host, port = self._addresses[broker]
            self._connections[broker] = await Connection.open(self._access, host, port)
        try:
            return await self._connections[broker].ask_unread(requests)
        except BaseException:
            # What is still to come would be taken for the answer to the next question.
            if (connection := self._connections.pop(broker, None)) is not None:
                connection.close()
            raise

    async def ask_any(self, *requests: Any) -> list[Any]:
        """The answers of a broker that gives some, whichever it is. Raises InquiryError."""
        return [answer.read() for answer in await self.ask_any_unread(*requests)]

    async def ask_any_unread(self, *requests: Any) -> list[Unread]:
        """The same, for whoever may not have to read them.

        Those are asked first that are connected to, as one is that answered last. One that is
        silent is given up for the next; the last of them has as long as the caller gives it.

        Raises:
            InquiryError: no broker of the cluster answers.
        """
        problem = InquiryError(f"cluster {self.name} lists no broker")
        brokers = sorted(self._addresses, key=lambda broker: broker not in self._connections)
        for number, broker in enumerate(brokers, start=1):
            try:
                async with asyncio.timeout(None if number == len(brokers) else _PATIENCE_S):
                    return await self.ask_unread(broker, *requests)
            except InquiryError as error:
                problem = error
            except TimeoutError:
                problem = InquiryError(f"broker {broker} of {self.name} is silent")
        # Its brokers may be others by now.
        await self.begin()
        raise problem

    async def ask_each(self, requests: dict[int, list[Any]]) -> Iterable[tuple[Any, Any]]:
        """Each request with its answer, of several brokers at a time. Raises InquiryError."""
        brokers = list(requests)
        found = await asyncio.gather(*(self.ask(b, *requests[b]) for b in brokers))
        return [
            pair
            for broker, answers in zip(brokers, found, strict=True)
            for pair in zip(requests[broker], answers, strict=True)
        ]

    def close(self) -> None:
        """End all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


_NO_TOPICS: Final = MetadataRequest(
    topics=(),
    allow_auto_topic_creation=False,
    include_cluster_authorized_operations=False,
    include_topic_authorized_operations=False,
)


@asynccontextmanager
async def inquiry(access: ClusterAccess) -> AsyncIterator[Inquiry]:
    """Questions to a cluster. Raises InquiryError."""
    asking = Inquiry(access)
    try:
        await asking.begin()
        yield asking
    finally:
        asking.close()
