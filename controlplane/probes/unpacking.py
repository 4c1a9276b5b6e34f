"""Unpacks batches record by record as Kafka's own clients do (`DefaultRecord.java`, `readFrom`).

A broker takes what these read, and MirrorMaker 2 is one of them. aiokafka's parser refuses some of
it, as nobody's library writes it; any client may:

- names of headers that are no UTF-8. Java reads them with U+FFFD where it can make nothing of the
  bytes, and writes what it read: the mirror's copy has another name than the original, `ef bf bd`
  for `ff`. Read as Java does both are the same, and on the way back the copy stays as it is.
- attributes of a record, of which none is defined, above 127;
- lengths and offsets that are written with more bits than they have: the further ones are dropped;
- times beyond 64 bits: they go on from the other end.

And it is not given what becomes large (`upstream/decompressing.py`). Here the numbers of records of
a batch and of headers of a record are limited, so that nobody waits for long until one is read.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from aiokafka.errors import CorruptRecordException

from controlplane.probes.raw_batches import BatchHeader, raw_batches
from upstream.decompressing import decompress

MOST_HEADERS: Final = 10_000
"""Of one record: they are read at once, in some milliseconds."""
MOST_RECORDS: Final = 50_000
"""Of one batch, which may have to be read from its first one on."""
_CODEC: Final = 0x07
_LOG_APPEND_TIME: Final = 0x08
"""Of a batch's attributes."""
_INT_BITS: Final = 32
_LONG_BITS: Final = 64
_HALF_OF_A_PAIR: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")
"""A surrogate, written like a character: Java makes one U+FFFD of it, Python one of each byte."""
_REPLACEMENT: Final = "\ufffd".encode()


class TooManyError(Exception):
    """A batch or a record would take the time of all others; the message says so."""


class UnpackedRecord(NamedTuple):
    """What aiokafka's ConsumerRecord has of a record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class UnpackedRecords:
    """Iterates over the committed records of an answer, from an offset on."""

    def __init__(self, batches: bytes, aborted: Sequence[tuple[int, int]], begin: int) -> None:
        """As FetchedPartition has them; `begin`: the first offset that is wanted.

        Iterating raises what `raw_batches` does, CorruptRecordException of what no broker takes,
        and whatever the codec does.
        """
        self.next_fetch_offset = begin
        self._batches, self._aborted = memoryview(batches), aborted

    def __iter__(self) -> Iterator[UnpackedRecord]:
        for raw in raw_batches(self._batches, self._aborted):
            if raw.end <= self.next_fetch_offset:
                continue
            if raw.is_committed:
                for record in _records(raw.header, raw.body):
                    if record.offset >= self.next_fetch_offset:
                        self.next_fetch_offset = record.offset + 1
                        yield record
            self.next_fetch_offset = raw.end


def text(name: bytes) -> str:
    """The name of a header as `new String(name, UTF_8)` gives it."""
    return _HALF_OF_A_PAIR.sub(_REPLACEMENT, name).decode("utf-8", "replace")


def _records(header: BatchHeader, body: memoryview) -> Iterator[UnpackedRecord]:
    if header.records > MOST_RECORDS:
        raise TooManyError(f"a batch has {header.records} records")
    unread = _Unread(decompress(header.attributes & _CODEC, bytes(body)))
    for _ in range(header.records):
        try:
            record = unread.record(header)
        except IndexError:
            raise CorruptRecordException("a record goes on beyond the end of its batch") from None
        yield record
    if not unread.is_empty:
        raise CorruptRecordException("there are bytes behind the last record of a batch")


class _Unread:
    """What is left to read of a batch."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._content)

    def record(self, header: BatchHeader) -> UnpackedRecord:
        end = self._int() + self._at
        self._some(1)  # attributes
        delta, place = self._long(), self._int()
        timestamp = _signed(header.base_timestamp + delta, _LONG_BITS)
        key, value = self._bytes(), self._bytes()
        headers = tuple(self._headers(end))
        if self._at != end:
            raise CorruptRecordException("a record is not as long as it says")
        return UnpackedRecord(
            offset=header.base_offset + place,
            timestamp=header.newest if header.attributes & _LOG_APPEND_TIME else timestamp,
            key=key,
            value=value,
            headers=headers,
        )

    def _headers(self, end: int) -> Iterator[tuple[str, bytes | None]]:
        count = self._int()
        if not 0 <= count <= end - self._at:
            raise CorruptRecordException(f"a record says that it has {count} headers")
        if count > MOST_HEADERS:
            raise TooManyError(f"a record has {count} headers")
        for _ in range(count):
            name = self._bytes()
            if name is None:
                raise CorruptRecordException("a header has no name")
            yield text(name), self._bytes()

    def _bytes(self) -> bytes | None:
        size = self._int()
        return self._some(size) if size >= 0 else None

    def _some(self, size: int) -> bytes:
        begin, self._at = self._at, self._at + size
        if self._at > len(self._content):
            raise IndexError
        return self._content[begin : self._at]

    def _int(self) -> int:
        return _zigzag(self._varint(_INT_BITS))

    def _long(self) -> int:
        return _zigzag(self._varint(_LONG_BITS))

    def _varint(self, bits: int) -> int:
        """A number of so many bits, seven in each byte, the lowest first."""
        found = 0
        for shift in range(0, bits, 7):
            byte = self._content[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found & ((1 << bits) - 1)
        raise CorruptRecordException(f"a number has more than {bits} bits")


def _zigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _signed(number: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (number + half) % (1 << bits) - half
