"""Readiness seen from outside: what a server on the loopback address answers right now.

A check is called to look once; it can be written down, so that another process can look as well.
"""

import http.client
import io
import logging
import socket
import struct
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from kio.schema.metadata.v1.request import MetadataRequest
from kio.schema.metadata.v1.response import MetadataResponse
from kio.schema.request_header.v1.header import RequestHeader
from kio.serial import entity_reader, entity_writer
from kio.static.primitive import i16, i32

_TIMEOUT_S = 1.0
_LOGIN_TIMEOUT_S = 2.0
_LENGTH = struct.Struct(">i")

_read_metadata = entity_reader(MetadataResponse)
_write_metadata = entity_writer(MetadataRequest)
_write_header = entity_writer(RequestHeader)


class BrokerUp(msgspec.Struct, frozen=True, tag=True):
    """A broker knows exactly these brokers, itself among them."""

    port: int
    node_ids: frozenset[int]

    def __call__(self) -> bool:
        """Look now."""
        return brokers_in_metadata(self.port) == self.node_ids


class SecureBrokerUp(msgspec.Struct, frozen=True, tag=True):
    """The same of a broker that wants TLS and a log-in."""

    port: int
    node_ids: frozenset[int]
    access: dict[str, str]
    """Settings of librdkafka. Holds a password."""

    def __call__(self) -> bool:
        """Look now."""
        metadata = _secure_metadata(self.port, self.access)
        return metadata is not None and metadata.brokers.keys() == self.node_ids

    def __repr__(self) -> str:
        return f"SecureBrokerUp({self.port})"


class SecureTopicExists(msgspec.Struct, frozen=True, tag=True):
    """A broker that wants TLS and a log-in knows a topic."""

    port: int
    topic: str
    access: dict[str, str]
    """Settings of librdkafka. Holds a password."""

    def __call__(self) -> bool:
        """Look now."""
        metadata = _secure_metadata(self.port, self.access)
        return metadata is not None and self.topic in metadata.topics

    def __repr__(self) -> str:
        return f"SecureTopicExists({self.port}, {self.topic})"


class TopicExists(msgspec.Struct, frozen=True, tag=True):
    """A broker knows a topic."""

    port: int
    topic: str

    def __call__(self) -> bool:
        """Look now."""
        return self.topic in topics_in_metadata(self.port)


class HttpUp(msgspec.Struct, frozen=True, tag=True):
    """A GET is answered with a 2xx status."""

    port: int
    path: str

    def __call__(self) -> bool:
        """Look now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", self.path)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class PostgresUp(msgspec.Struct, frozen=True, tag=True):
    """Postgres lets clients authenticate; while it starts or stops it answers with an error."""

    port: int
    user: str

    def __call__(self) -> bool:
        """Look now."""
        protocol_3 = struct.pack(">i", 3 << 16) + f"user\0{self.user}\0\0".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_S) as server:
                server.sendall(_LENGTH.pack(len(protocol_3) + _LENGTH.size) + protocol_3)
                return server.recv(1) == b"R"
        except OSError:
            return False


Check: TypeAlias = BrokerUp | SecureBrokerUp | TopicExists | SecureTopicExists | HttpUp | PostgresUp


def brokers_in_metadata(port: int) -> frozenset[int]:
    """Ids of the brokers that the broker on a local port knows; empty if it does not answer."""
    metadata = _metadata(port, MetadataRequest(topics=()))
    return frozenset(broker.node_id for broker in metadata.brokers) if metadata else frozenset()


def topics_in_metadata(port: int) -> frozenset[str]:
    """Names of all topics that the broker on a local port knows; empty if it does not answer."""
    metadata = _metadata(port, MetadataRequest(topics=None))
    return frozenset(topic.name for topic in metadata.topics) if metadata else frozenset()


def _secure_metadata(port: int, access: Mapping[str, str]) -> Any:
    """What a broker on a local port knows; None if it does not answer, or lets nobody in yet."""
    quiet = logging.getLogger("sandbox.probe.librdkafka")
    quiet.disabled = True
    settings = {"bootstrap.servers": f"localhost:{port}", "log_level": 0, **access}
    try:
        return AdminClient(settings, logger=quiet).list_topics(timeout=_LOGIN_TIMEOUT_S)
    except KafkaException:
        return None


def _metadata(port: int, request: MetadataRequest) -> MetadataResponse | None:
    body = io.BytesIO()
    _write_header(
        body,
        RequestHeader(
            request_api_key=i16(3),
            request_api_version=i16(1),
            correlation_id=i32(1),
            client_id="sandbox",
        ),
    )
    _write_metadata(body, request)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as broker:
            broker.sendall(_LENGTH.pack(body.tell()) + body.getvalue())
            answer = broker.makefile("rb")
            frame = answer.read(_LENGTH.unpack(answer.read(4))[0])
    except (OSError, struct.error):
        return None
    metadata, _ = _read_metadata(memoryview(frame), 4)
    return metadata
