"""Takes in the records of a partition, one by one: for what stands last, or for their digests."""

from typing import Any, Final, NamedTuple

import msgspec

from controlplane.domain.fingerprints import fingerprint
from controlplane.domain.numbering.runs import Placed
from controlplane.probes.batch_headers import PackedBatch

NO_TIMESTAMP: Final = -1
"""As Kafka has it (`RecordBatch.java`)."""


class LastRecord(msgspec.Struct, frozen=True):
    """What two clusters must agree on."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @classmethod
    def of(cls, record: Any) -> "LastRecord":
        """What aiokafka's ConsumerRecord has of it: no timestamp, in the format before 0.10."""
        timestamp = NO_TIMESTAMP if record.timestamp is None else record.timestamp
        return cls(timestamp, record.key, record.value, tuple(record.headers))

    @property
    def digest(self) -> bytes:
        """What it is known by on both."""
        content = (self.key, self.value, self.headers)
        return fingerprint(self.timestamp, msgspec.msgpack.encode(content))


class Tail(msgspec.Struct, frozen=True):
    """The last record of a partition, and how many records just like it stand there in a row.

    Without the number a mirror that lacks some of a burst of equal records would look complete.
    """

    record: LastRecord
    repeats: int


class LastOf(NamedTuple):
    """The last records of a partition, in order."""

    placed: list[Placed]
    is_all: bool
    """Whether the log has no records before these."""


class Packed(NamedTuple):
    """Batches of a partition that were not opened, in order."""

    batches: list[PackedBatch]
    end: int
    """Where the partition's committed records end."""
    is_all: bool
    """Whether these go up to there."""


class Window:
    """What was read of one partition, from some offset to its end."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._last: LastRecord | None = None
        self._repeats = 0
        self.may_go_on = True
        """Whether the row of equal records may begin before the window."""

    def take(self, record: Any, /) -> None:
        """One more record."""
        this = LastRecord.of(record)
        if this == self._last:
            self._repeats += 1
            return
        self.may_go_on = self._last is None
        self._last, self._repeats = this, 1

    def tail(self) -> Tail | None:
        """What stands last; None if there was no record."""
        return Tail(self._last, self._repeats) if self._last is not None else None


class Row:
    """Records of one partition, by their digests."""

    def __init__(self) -> None:
        """Begin with no record."""
        self.placed: list[Placed] = []

    def take(self, record: Any, /) -> None:
        """One more record."""
        self.placed.append(Placed(record.offset, LastRecord.of(record).digest))


class PackedRow:
    """Batches of one partition."""

    def __init__(self) -> None:
        """Begin with none."""
        self.batches: list[PackedBatch] = []

    def take(self, batch: PackedBatch, /) -> None:
        """One more."""
        self.batches.append(batch)
