"""Records of others are decompressed up to a size, whatever their bytes would become.

Three kilobytes of a tenant can be gigabytes when they are decompressed, and whoever reads them to
prove something would hold all of that. aiokafka has no limit and no place for one: its parser of
records calls the functions of this module in place of its own.
"""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from mmap import mmap
from struct import Struct
from typing import Final

import cramjam
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled

MOST_BYTES: Final = 64 << 20
"""Of one batch: a megabyte, which is the most that a topic takes by default, 64 times as large."""
_XERIAL: Final = b"\x82SNAPPY\0" + (1).to_bytes(4) + (1).to_bytes(4)
"""What xerial's library, and so Kafka's clients, begin with; blocks with their lengths follow."""
_BLOCK: Final = Struct(">i")
_FULL: Final = "failed to write whole buffer"
_ROOM: Final = memoryview(bytearray(1 << 20))
"""For all but the largest batches. Records are parsed by one thread, one batch after the other."""
_LIMIT: Final = ContextVar("limit", default=MOST_BYTES)


class TooLargeError(Exception):
    """A batch of records is more than may be decompressed; the message says so."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(
            f"a batch of {size} bytes is more than {most / (1 << 20):.3g} MiB when it is"
            " decompressed"
        )


@contextmanager
def limited_to(most: int) -> Iterator[None]:
    """Have whoever reads in here decompress no batch to more bytes than these."""
    before = _LIMIT.set(most)
    try:
        yield
    finally:
        _LIMIT.reset(before)


def _most() -> int:
    return min(_LIMIT.get(), MOST_BYTES)


def install() -> None:
    """Have aiokafka decompress within the limit, in this process, compiled or not."""
    for codec, decode in _DECODERS.items():
        name = f"{codec}_decode"
        for parser in (compiled, default_records):
            if not hasattr(parser, name):
                raise RuntimeError(f"aiokafka decompresses {codec} elsewhere than it did")
            setattr(parser, name, decode)


def _gzip(data: bytes) -> bytes:
    most = _most()
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
        found = unpacked.read(most + 1)
    if len(found) > most:
        raise TooLargeError(len(data), most)
    return found


def _snappy(data: bytes) -> bytes:
    view = memoryview(data)
    blocks = list(_xerial_blocks(view)) if view[: len(_XERIAL)] == _XERIAL else [view]
    if sum(map(cramjam.snappy.decompress_raw_len, blocks)) > _most():
        raise TooLargeError(len(data), _most())
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(view: memoryview) -> list[memoryview]:
    blocks, at = [], len(_XERIAL)
    while at < len(view):
        (size,) = _BLOCK.unpack_from(view, at)
        at += _BLOCK.size
        blocks.append(view[at : at + size])
        at += size
    return blocks


def _lz4(data: bytes) -> bytes:
    return _within(data, cramjam.lz4.decompress_into)


def _zstd(data: bytes) -> bytes:
    return _within(data, cramjam.zstd.decompress_into)


def _within(data: bytes, decompress_into: Callable[[bytes, mmap | memoryview], int]) -> bytes:
    """Decompress to where there is room, most of them to where there was some before."""
    most = _most()
    found = _into(_ROOM[:most], data, decompress_into)
    if found is None and most > len(_ROOM):
        # What of this room is not written to takes no memory.
        with closing(mmap(-1, most)) as room:
            found = _into(room, data, decompress_into)
    if found is None:
        raise TooLargeError(len(data), most)
    return found


def _into(
    room: mmap | memoryview, data: bytes, decompress_into: Callable[[bytes, mmap | memoryview], int]
) -> bytes | None:
    """What it becomes; None if there is no room for that."""
    try:
        return bytes(room[: decompress_into(data, room)])
    except cramjam.DecompressionError as error:
        if _FULL not in str(error):
            raise
        return None


_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}
