"""Records of others are decompressed up to a size, whatever their bytes would become.

Three kilobytes of a tenant can be gigabytes when they are decompressed, and whoever reads them to
prove something would hold all of that. aiokafka has no limit and no place for one: its parser of
records calls the functions of this module in place of its own. And as it makes objects of all that
a record has at once, fifteen million empty headers in one, which are 29 kilobytes on their way,
took it three seconds and two gigabytes: what becomes large it gets nothing of.
"""

import zlib
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
_GZIP: Final = b"\x1f\x8b\x08"
LIBRARY_BYTES: Final = 1 << 20
"""Of a batch that aiokafka's parser gets. It may be a record's headers, two bytes each."""
_MOST_MEMBERS: Final = 16
"""Clients write one. What follows each is copied."""
_XERIAL: Final = b"\x82SNAPPY\0"
"""What xerial's library, and so Kafka's clients, begin with; blocks with their lengths follow."""
_XERIAL_VERSIONS: Final = 8
"""Bytes behind it, that nobody need look at."""
_BLOCK: Final = Struct(">i")
_LZ4_FLAGS_AT: Final = 4
_LZ4_HEADER: Final = 7
"""Bytes before the first block, without the size of all."""
_LZ4_HAS_SIZE, _LZ4_HAS_CHECKSUM, _LZ4_HAS_BLOCK_CHECKSUMS = 0x08, 0x04, 0x10
_LZ4_BLOCK: Final = Struct("<I")
_LZ4_BLOCK_SIZE: Final = 0x7FFFFFFF
"""The other bit says that it is not compressed."""
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


class TooLargeForLibraryError(Exception):
    """A batch of records is more than aiokafka's parser is given; the message says so."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"a batch of {size} bytes is more than {LIBRARY_BYTES >> 20} MiB when it is"
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
    """Have aiokafka decompress within the limits, in this process, compiled or not."""
    for codec, decode in _DECODERS.items():
        name = f"{codec}_decode"
        for parser in (compiled, default_records):
            if not hasattr(parser, name):
                raise RuntimeError(f"aiokafka decompresses {codec} elsewhere than it did")
            setattr(parser, name, _for_library(decode))


def _for_library(decode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def decode_little(data: bytes) -> bytes:
        found = decode(data)
        if len(found) > LIBRARY_BYTES:
            raise TooLargeForLibraryError(len(data))
        return found

    return decode_little


def decompress(codec: int, data: bytes) -> bytes:
    """Decompress the records of a batch within the limit.

    Args:
        codec: its number in the attributes of a batch; 0 for none.
        data: the records, as they came.

    Raises:
        TooLargeError: they would become more than that.
        ValueError: nobody knows the codec.
        Exception: whatever the codec raises of bytes that are not its own.
    """
    if codec == 0:
        return data
    if codec > len(_DECODERS):
        raise ValueError(f"nobody knows codec {codec}")
    return [*_DECODERS.values()][codec - 1](data)


def _gzip(data: bytes) -> bytes:
    """All members, one behind the other; what follows that is none is passed over, as Java does."""
    most, found, rest = _most(), b"", bytes(data)
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        found += member.decompress(rest, most + 1 - len(found))
        if len(found) > most:
            raise TooLargeError(len(data), most)
        if not member.eof:
            raise EOFError("the records of a batch end in the middle")
        rest = member.unused_data
        if not rest.startswith(_GZIP):
            return found
    raise ValueError(f"a batch has more than {_MOST_MEMBERS} members of gzip")


def _snappy(data: bytes) -> bytes:
    view = memoryview(data)
    blocks = list(_xerial_blocks(view)) if bytes(view[: len(_XERIAL)]) == _XERIAL else [view]
    if sum(map(cramjam.snappy.decompress_raw_len, blocks)) > _most():
        raise TooLargeError(len(data), _most())
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial_blocks(view: memoryview) -> Iterator[memoryview]:
    """Of one stream, or several one behind the other."""
    at = 0
    while at < len(view):
        if bytes(view[at : at + len(_XERIAL)]) == _XERIAL:
            at += len(_XERIAL) + _XERIAL_VERSIONS
            continue
        (size,) = _BLOCK.unpack_from(view, at)
        if size < 0:
            raise ValueError(f"a block of {size} bytes")
        at += _BLOCK.size
        yield view[at : at + size]
        at += size


def _lz4(data: bytes) -> bytes:
    return _within(_lz4_frame(data), cramjam.lz4.decompress_into)


def _lz4_frame(data: bytes) -> bytes:
    """The first one: Kafka's clients pass over what follows it (`Lz4BlockInputStream.java`)."""
    flags = data[_LZ4_FLAGS_AT]
    at = _LZ4_HEADER + (8 if flags & _LZ4_HAS_SIZE else 0)
    while size := _LZ4_BLOCK.unpack_from(data, at)[0] & _LZ4_BLOCK_SIZE:
        at += _LZ4_BLOCK.size + size + (4 if flags & _LZ4_HAS_BLOCK_CHECKSUMS else 0)
    return data[: at + _LZ4_BLOCK.size + (4 if flags & _LZ4_HAS_CHECKSUM else 0)]


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
"""In the order of their numbers, from 1 on (`CompressionType.java`)."""
