"""How many bytes of each partition are read: one that becomes huge takes its own share alone.

A tenant can write records that grow a thousandfold when they are decompressed. Every partition may
take a little without asking; what takes more takes it from one pot that those share which do, and
never more than its share. So nobody who is small waits for, or goes without because of, one who is
not.
"""

from collections import defaultdict
from typing import Final

from aiokafka import TopicPartition

_MIB: Final = 1 << 20


class OutOfShareError(Exception):
    """A partition has used up what may be read of it; the message says how much that was."""


class ReadingBudget:
    """Of one reading of many partitions of one cluster; bytes as they are when decompressed."""

    def __init__(self, *, each: int = 32 * _MIB, free: int = _MIB, pot: int = 256 * _MIB) -> None:
        """With nothing read yet.

        Args:
            each: the most that is read of one partition.
            free: so much of it does not count for the others.
            pot: what all may take together beyond that.
        """
        self._each = each
        self._free = free
        self._pot = pot
        self._used: defaultdict[TopicPartition, int] = defaultdict(int)

    def left(self, partition: TopicPartition) -> int:
        """How many more bytes may be read of it.

        Raises:
            OutOfShareError: none.
        """
        used = self._used[partition]
        found = min(self._each - used, max(0, self._free - used) + self._pot)
        if found <= 0:
            raise OutOfShareError(
                f"what is read of one partition ended after {used / _MIB:.3g} MiB"
            )
        return found

    def use(self, partition: TopicPartition, size: int) -> None:
        """Note that so many bytes of it were read."""
        before = self._used[partition]
        self._used[partition] = used = before + size
        self._pot = max(0, self._pot - max(0, used - max(before, self._free)))
