"""Cuts a stream of bytes into Kafka frames: a signed 32-bit length, then that many bytes.

Built for `asyncio.BufferedProtocol`: the socket writes into a buffer that this class hands out. A
frame that does not fit in the small buffer gets one of its own size, so that its bytes are copied
by nobody but the kernel; beyond what its peer is trusted with it gets room as it comes in. That is
memory of a pool, and while that is used up, there is no room: the connection is not to be read.
"""

from struct import Struct
from time import monotonic
from typing import TypeAlias

from dataplane.gateway.memory_pool import MemoryPool
from dataplane.wire.primitives import Buffer

Frame: TypeAlias = Buffer
"""A frame's payload, without the length in front. It stays valid: no buffer is used twice."""

LENGTH = Struct(">i")

BUFFER_SIZE = 64 * 1024
"""Bytes that one read can bring."""

SMALL = 4 * 1024
"""Up to this many bytes of frames, a copy is cheaper than a fresh buffer."""


class FrameLimitError(ValueError):
    """A length prefix that no Kafka client would send: the connection cannot be read on."""


class FrameReader:
    """Buffers of one connection's reading side."""

    def __init__(self, limit: int, *, trusted: int = BUFFER_SIZE) -> None:
        """Accept frames of up to `limit` bytes; both may be changed between frames."""
        self.limit = limit
        self.trusted = trusted
        """Bytes of a frame that are made room for at its beginning; for more as they come in."""
        self.pool = MemoryPool()
        """Where the room for frames comes from that do not fit in the small buffer."""
        self._buffer = bytearray(BUFFER_SIZE)
        self._filled = 0
        self._lacking = 0

    @property
    def is_short(self) -> bool:
        """Whether no more may be read until there is memory: see `take_memory`."""
        return self._lacking > 0

    def take_memory(self, *, at_any_rate: bool = False) -> bool:
        """Make the room that could not be made, if there is memory now; whether there is."""
        if self._lacking:
            self._make_room(0, self._filled, self._lacking, reusable=True, at_any_rate=at_any_rate)
        return not self._lacking

    def discard(self) -> None:
        """There will be nothing more to read, and what was begun is not needed."""
        self._buffer = bytearray()
        self._filled = self._lacking = 0

    def get_buffer(self) -> memoryview:
        """Where the next bytes belong."""
        return memoryview(self._buffer)[self._filled :]

    def received(self, count: int) -> list[Frame]:
        """Take note that `count` bytes were written into the buffer; the frames now complete.

        Raises:
            FrameLimitError: a length is negative or above the limit.
        """
        self._filled += count
        buffer, end = self._buffer, self._filled
        frames: list[Frame] = []
        start = 0
        wanted = 0
        view = memoryview(buffer)
        while end - start >= LENGTH.size:
            (length,) = LENGTH.unpack_from(buffer, start)
            if not 0 < length <= self.limit:
                raise FrameLimitError(describe_length(length, self.limit))
            wanted = LENGTH.size + length
            if end - start < wanted:
                break
            frames.append(view[start + LENGTH.size : start + wanted])
            start += wanted
            wanted = 0
        if start == 0 and (wanted <= len(buffer) or self._may_wait(end)):
            return frames
        if 0 < start <= SMALL:
            frames = [bytes(frame) for frame in frames]
        self._make_room(start, end, wanted, reusable=start <= SMALL)
        return frames

    def _may_wait(self, end: int) -> bool:
        """Whether there is room left for a while, for a frame that does not fit in whole."""
        return end < len(self._buffer) and len(self._buffer) >= self.trusted

    def _make_room(
        self, start: int, end: int, wanted: int, *, reusable: bool, at_any_rate: bool = False
    ) -> None:
        """Carry the begun frame over to the front of a buffer that can take it whole."""
        begun = bytes(memoryview(self._buffer)[start:end])
        large = None
        if wanted > BUFFER_SIZE:
            # What a stranger says that he will send is no reason to keep as much for him.
            room = min(wanted, max(self.trusted, 2 * len(begun)))
            allocate = self.pool.allocate if at_any_rate else self.pool.try_allocate
            large = allocate(room, monotonic())
            self._lacking = wanted if large is None else 0
            if large is None and start == 0:
                return
        if large is not None:
            self._buffer = large
        elif not reusable or len(self._buffer) != BUFFER_SIZE:
            self._buffer = bytearray(BUFFER_SIZE)
        self._buffer[: len(begun)] = begun
        self._filled = len(begun)


def describe_length(length: int, limit: int) -> str:
    """Say what a senseless length probably is: people point browsers and TLS clients anywhere."""
    raw = LENGTH.pack(length)
    if raw in {b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"DELE", b"CONN", b"PATC"}:
        return "the peer speaks HTTP; this is a Kafka port"
    if raw[:2] == b"\x16\x03":
        return "the peer speaks TLS; this port is plain text (security.protocol)"
    if length <= 0:
        return f"frame length {length} is not positive"
    return f"frame length {length} is above the limit of {limit} bytes"
