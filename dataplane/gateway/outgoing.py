"""Payloads onto a socket: each with its length in front, and as few writes as there can be."""

import asyncio

from dataplane.gateway.frames import LENGTH, Frame

JOIN_BELOW = 16 * 1024
"""Frames up to this many bytes are joined: one buffer costs less than many."""


def append_framed(out: list[Frame], pieces: list[Frame]) -> None:
    """Append a payload with its length in front; a small one as a single buffer."""
    size = sum(map(len, pieces))
    if size <= JOIN_BELOW:
        out.append(b"".join((LENGTH.pack(size), *pieces)))
    else:
        out.append(LENGTH.pack(size))
        out += pieces


def write(transport: asyncio.Transport, out: list[Frame]) -> None:
    """Write buffers in one go; a single one goes the shorter way through the loop."""
    if len(out) == 1:
        transport.write(out[0])
    else:
        transport.writelines(out)
