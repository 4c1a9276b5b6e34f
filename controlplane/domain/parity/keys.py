"""Keys of compacted partitions that the source has cleaned away, and a target still has.

A tombstone goes with compaction after a while, and takes the values of its key along. A mirror that
was not there in between never hears of it: on its target the last value stays for ever.
"""

from collections.abc import Iterable
from typing import Any


class Keys:
    """The keys of one partition, and which of them have a value; records are taken in order."""

    def __init__(self) -> None:
        """Begin with no record."""
        self._alive: dict[bytes, bool] = {}

    def take(self, record: Any, /) -> None:
        """One more of aiokafka's ConsumerRecords."""
        if record.key is not None:
            self._alive[record.key] = record.value is not None

    def __contains__(self, key: bytes) -> bool:
        """Whether there is a record of the key, be it a tombstone."""
        return key in self._alive

    def cleaned_away(self, by: "Keys") -> Iterable[bytes]:
        """Those that have a value here, and of which the other partition holds no record at all.

        A key that the other one has deleted, and still says so, is not among them: the mirror
        brings that word.
        """
        return (key for key, alive in self._alive.items() if alive and key not in by)
