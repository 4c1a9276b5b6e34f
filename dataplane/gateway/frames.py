"""Cuts a stream of bytes into Kafka frames: a signed 32-bit length, then that many bytes.

Built for `asyncio.BufferedProtocol`: the socket writes into a buffer that this class hands out. It
is one that all connections of a loop are lent in turn, so that a connection which is idle keeps
none; frames are copied out of it. A frame that does not fit in gets a buffer of its own size, so
that its bytes are copied by nobody but the kernel; beyond what its peer is trusted with it gets
room as it comes in. That is memory of a pool, and while that is used up, there is no room: the
connection is not to be read.
"""

from struct import Struct
from time import monotonic
from typing import Final, TypeAlias

from dataplane.gateway.memory_pool import MemoryPool, PooledBuffer
from dataplane.wire.primitives import Buffer

Frame: TypeAlias = Buffer
"""A frame's payload, without the length in front. It stays valid: no buffer is used twice."""

LENGTH = Struct(">i")
_length_at: Final = LENGTH.unpack_from

BUFFER_SIZE = 64 * 1024
"""Bytes that one read can bring."""

SMALL = 32 * 1024
"""Up to this many bytes what is begun needs no own buffer: to copy it twice takes less than to make
one, which has to be cleared."""


class FrameLimitError(ValueError):
    """A length prefix that no Kafka client would send: the connection cannot be read on."""


class LentBuffer:
    """Where all connections of a loop read into, one after the other.

    An event loop fills a buffer and tells so before it turns to the next connection: between
    `get_buffer` and `buffer_updated` nothing else runs. So nobody need keep what it was lent.
    """

    __slots__ = ("view",)

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BUFFER_SIZE))


class FrameReader:
    """One connection's reading side: what is left of a frame that has not come in whole."""

    __slots__ = ("_begun", "_filled", "_lacking", "_lent", "_own", "limit", "pool", "trusted")

    def __init__(
        self, limit: int, lent: LentBuffer | None = None, *, trusted: int = BUFFER_SIZE
    ) -> None:
        """Accept frames of up to `limit` bytes; both may be changed between frames.

        Read into the buffer that is `lent`, or into one that no other reader has.
        """
        self.limit = limit
        self.trusted = trusted
        """Bytes of a frame that are made room for at its beginning; for more as they come in."""
        self.pool = MemoryPool()
        """Where the room for frames comes from that do not fit in the lent buffer."""
        self._lent = lent or LentBuffer()
        self._begun = b""
        """The beginning of a frame, while it is short."""
        self._own: PooledBuffer | None = None
        """Where a frame is read that is begun, and not short; it is a pool's if it is large."""
        self._filled = 0
        """Bytes in there."""
        self._lacking = 0

    @property
    def is_short(self) -> bool:
        """Whether no more may be read until there is memory: see `take_memory`."""
        return self._lacking > 0

    @property
    def held(self) -> int:
        """Bytes that it keeps for what has begun to come in."""
        return len(self._begun) if self._own is None else len(self._own)

    def take_memory(self, *, at_any_rate: bool = False) -> bool:
        """Make the room that could not be made, if there is memory now; whether there is."""
        if self._lacking:
            begun = self._begun if self._own is None else memoryview(self._own)[: self._filled]
            self._make_room(begun, self._lacking, at_any_rate=at_any_rate)
        return not self._lacking

    def discard(self) -> None:
        """There will be nothing more to read, and what was begun is not needed."""
        self._begun, self._own = b"", None
        self._filled = self._lacking = 0

    def get_buffer(self) -> memoryview:
        """Where the next bytes belong."""
        if self._own is not None:
            return memoryview(self._own)[self._filled :]
        if not self._begun:
            return self._lent.view
        begun = len(self._begun)
        self._lent.view[:begun] = self._begun
        return self._lent.view[begun:]

    def received(self, count: int) -> list[Frame]:
        """Take note that `count` bytes were written into the buffer; the frames now complete.

        Raises:
            FrameLimitError: a length is negative or above the limit.
        """
        own = self._own
        if own is None:
            view, end = self._lent.view, len(self._begun) + count
        else:
            view, end = memoryview(own), self._filled + count
            self._filled = end
        ends, wanted = self._ends(view, end)
        start = ends[-1] if ends else 0
        if own is None or start <= SMALL:
            frames = _copied(view, ends)
        else:
            frames = _shown(view, ends)
            self._own = None
        if start == end:
            self._begun, self._own, self._filled = b"", None, 0
        elif own is None or start > 0 or not self._may_wait(own, end, wanted):
            self._make_room(view[start:end], wanted)
        return frames

    def _ends(self, view: memoryview, end: int) -> tuple[list[int], int]:
        """Where complete frames end, and how long the one is that is begun behind them."""
        ends: list[int] = []
        start = 0
        while end - start >= LENGTH.size:
            (length,) = _length_at(view, start)
            if not 0 < length <= self.limit:
                raise FrameLimitError(describe_length(length, self.limit))
            wanted = LENGTH.size + length
            if end - start < wanted:
                return ends, wanted
            start += wanted
            ends.append(start)
        return ends, 0

    def _may_wait(self, own: PooledBuffer, end: int, wanted: int) -> bool:
        """Whether there is room left, be it for a while, for a frame that is begun in there."""
        return wanted <= len(own) or (end < len(own) and len(own) >= self.trusted)

    def _make_room(self, begun: Buffer, wanted: int, *, at_any_rate: bool = False) -> None:
        """Keep a begun frame where there is room for it to go on."""
        size = len(begun)
        if wanted > BUFFER_SIZE and max(size, self.trusted - 1) >= BUFFER_SIZE:
            # What a stranger says that he will send is no reason to keep as much for him.
            room = min(wanted, max(self.trusted, 2 * size))
            allocate = self.pool.allocate if at_any_rate else self.pool.try_allocate
            large = allocate(room, monotonic())
            self._lacking = wanted if large is None else 0
            if large is not None:
                self._keep(begun, large)
                return
        if size <= SMALL:
            self._begun, self._own, self._filled = bytes(begun), None, 0
        elif self._own is None:
            self._keep(begun, bytearray(BUFFER_SIZE))
        elif size < self._filled:
            self._keep(bytes(begun), self._own)

    def _keep(self, begun: Buffer, buffer: PooledBuffer) -> None:
        buffer[: len(begun)] = begun
        self._begun, self._own, self._filled = b"", buffer, len(begun)


def _copied(view: memoryview, ends: list[int]) -> list[Frame]:
    """Frames out of a buffer that is used again."""
    frames: list[Frame] = []
    begin = LENGTH.size
    for end in ends:
        frames.append(bytes(view[begin:end]))
        begin = end + LENGTH.size
    return frames


def _shown(view: memoryview, ends: list[int]) -> list[Frame]:
    """Frames in a buffer that is left to them."""
    begins = (0, *ends)
    return [view[begin + LENGTH.size : end] for begin, end in zip(begins, ends, strict=False)]


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
