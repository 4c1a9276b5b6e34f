"""Payloads onto a socket: each with its length in front, and as few writes as there can be."""

import asyncio
from collections import deque

from dataplane.gateway.frames import LENGTH, Frame

JOIN_BELOW = 16 * 1024
"""Frames up to this many bytes are joined: one buffer costs less than many."""


SMALL_PIECE = 512
"""So are frames of any size with fewer bytes in a piece on an average: to write a hundred thousand
pieces takes longer than to copy them."""


def append_framed(out: list[Frame], pieces: list[Frame]) -> None:
    """Append a payload with its length in front; a small one as a single buffer."""
    size = 0
    for piece in pieces:
        size += len(piece)
    length = LENGTH.pack(size)
    if size <= JOIN_BELOW or size < SMALL_PIECE * len(pieces):
        out.append(b"".join([length, *pieces]))
    elif len(pieces[-1]) > size - SMALL_PIECE:
        # A batch of records, and in front of it little that was written anew.
        out.append(b"".join([length, *pieces[:-1]]))
        out.append(pieces[-1])
    else:
        out.append(length)
        out += pieces


def write(transport: asyncio.Transport, out: list[Frame]) -> None:
    """Write buffers in one go; a single one goes the shorter way through the loop."""
    size = 0
    for buffer in out:
        size += len(buffer)
    if len(out) == 1:
        transport.write(out[0])
    elif size <= JOIN_BELOW:
        transport.write(b"".join(out))
    else:
        transport.writelines(out)


SLICE = 256 * 1024
"""Bytes that are encrypted at a time."""


class EncryptedOutgoing:
    """Onto a transport that encrypts whatever it is given at once.

    It would keep all of it, unseen by anybody, for a client that does not read. So it gets large
    answers in slices, and no more of them while it is paused.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Begin with nothing."""
        self._transport = transport
        self._unsent: deque[memoryview] = deque()
        self._paused = False

    def write(self, out: list[Frame]) -> None:
        """Write buffers, or keep them until the client has read what came before."""
        self._unsent.extend(map(memoryview, out))
        self._write_on()

    def pause(self) -> None:
        """The transport wants no more."""
        self._paused = True

    def resume(self) -> bool:
        """The transport wants more; whether it got all that there is, and wants more still."""
        self._paused = False
        self._write_on()
        return not self._paused

    def discard(self) -> None:
        """The client is gone."""
        self._unsent.clear()

    def _write_on(self) -> None:
        while self._unsent and not self._paused:
            buffer = self._unsent.popleft()
            if len(buffer) > SLICE:
                self._unsent.appendleft(buffer[SLICE:])
                buffer = buffer[:SLICE]
            self._transport.write(buffer)
