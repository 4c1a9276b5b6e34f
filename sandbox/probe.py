"""Readiness seen from outside: what a Kafka broker or an HTTP server answers right now."""

import http.client
import io
import socket
import struct

from kio.schema.metadata.v1.request import MetadataRequest
from kio.schema.metadata.v1.response import MetadataResponse
from kio.schema.request_header.v1.header import RequestHeader
from kio.serial import entity_reader, entity_writer
from kio.static.primitive import i16, i32

_TIMEOUT_S = 1.0
_LENGTH = struct.Struct(">i")

_read_metadata = entity_reader(MetadataResponse)
_write_metadata = entity_writer(MetadataRequest)
_write_header = entity_writer(RequestHeader)


def brokers_in_metadata(port: int) -> frozenset[int]:
    """Ids of the brokers that the broker on a local port knows; empty if it does not answer."""
    metadata = _metadata(port, MetadataRequest(topics=()))
    return frozenset(broker.node_id for broker in metadata.brokers) if metadata else frozenset()


def topics_in_metadata(port: int) -> frozenset[str]:
    """Names of all topics that the broker on a local port knows; empty if it does not answer."""
    metadata = _metadata(port, MetadataRequest(topics=None))
    return frozenset(topic.name for topic in metadata.topics) if metadata else frozenset()


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


def answers_http(port: int, path: str) -> bool:
    """Whether a local HTTP server answers a GET of the path with a 2xx status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
