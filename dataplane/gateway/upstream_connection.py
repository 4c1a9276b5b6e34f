"""One connection to a broker, on behalf of one client connection."""

import asyncio
from typing import Protocol, cast

from dataplane.gateway.frames import Frame, FrameLimitError, FrameReader, LentBuffer

ANSWER_LIMIT = 1024 * 1024 * 1024
"""Bytes of the longest answer taken from a broker: Fetch may exceed `fetch.max.bytes`."""


class Owner(Protocol):
    """The client connection."""

    def answers_received(self, upstream: "UpstreamConnection", frames: list[Frame]) -> None:
        """Answers of the broker, in order."""

    def short_of_memory(self, upstream: "UpstreamConnection") -> None:
        """The connection is not to be read until there is memory for the answer that comes."""

    def upstream_lost(self, upstream: "UpstreamConnection") -> None:
        """The connection is gone, whoever closed it."""

    def upstream_writable(self, upstream: "UpstreamConnection", *, writable: bool) -> None:
        """The broker takes requests faster, or slower, than they are written."""


class UpstreamConnection:
    """Reads a broker's answers and hands them to the client connection that asked.

    An `asyncio.BufferedProtocol` by its methods alone; see `ClientConnection`.
    """

    def __init__(self, owner: Owner, epoch: int, lent: LentBuffer) -> None:
        """Belong to a client connection, in one epoch of its scope; read into the buffer lent."""
        self.owner = owner
        self.epoch = epoch
        self.renew_at = float("inf")
        """Monotonic second from which on the broker may end the session (KIP-368)."""
        self.reader = FrameReader(ANSWER_LIMIT, lent, trusted=ANSWER_LIMIT)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def let_go(self) -> None:
        """Close once the last byte was sent.

        TLS would go on to wait for the broker's own good-bye, and a broker does not read while it
        holds a Fetch: a fence would wait for that.
        """
        encrypted = self.transport.get_extra_info("ssl_object") is not None
        if encrypted and self.transport.get_write_buffer_size() == 0:
            self.transport.abort()
        else:
            self.transport.close()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - our buffers, our sizes
        """Where the socket writes next."""
        return self.reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Hand complete answers on."""
        try:
            frames = self.reader.received(nbytes)
        except FrameLimitError:
            self.transport.abort()
            return
        if self.reader.is_short:
            self.owner.short_of_memory(self)
        if frames:
            self.owner.answers_received(self, frames)

    def eof_received(self) -> bool:
        """Close: Kafka knows no half-open connection."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone is gone
        """Tell the client connection."""
        self.reader.discard()
        self.owner.upstream_lost(self)

    def pause_writing(self) -> None:
        """The broker is slow: let the client wait."""
        self.owner.upstream_writable(self, writable=False)

    def resume_writing(self) -> None:
        """The broker has caught up."""
        self.owner.upstream_writable(self, writable=True)
