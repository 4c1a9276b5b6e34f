"""How many topics a virtual cluster has: what was recorded, and what is being created right now.

A topic is recorded some milliseconds after its creation, and a client may ask for a hundred in one
go, so those that were let through count at once. On other nodes they count when they are recorded:
several nodes at the same moment can let through more than the limit.
"""

from collections.abc import Mapping

FORGOTTEN_AFTER = 30.0
"""Seconds after which a topic that was never recorded counts no more."""


class Census:
    """The topics of one virtual cluster at one moment, and what is to be added to them."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        """Begin with the number of partitions by logical name."""
        self._partitions = dict(partitions)
        self._total = sum(self._partitions.values())
        self.expected: dict[str, int] = {}
        """Topics that were let through: their partitions by name."""

    def partitions_of(self, logical: str) -> int | None:
        """How many partitions a topic has; None if there is no such topic."""
        return self._partitions.get(logical)

    def topics(self) -> int:
        """How many topics there are."""
        return len(self._partitions)

    def partitions(self) -> int:
        """How many partitions they have together."""
        return self._total

    def expect(self, logical: str, partitions: int) -> None:
        """Count a topic that is about to be created, or to grow."""
        self._total += partitions - self._partitions.get(logical, 0)
        self._partitions[logical] = self.expected[logical] = partitions


class Expectations:
    """The topics of all virtual clusters that were let through and are not recorded yet."""

    def __init__(self) -> None:
        self._partitions: dict[tuple[str, str], tuple[int, float]] = {}

    def of(self, vcluster: str, now: float) -> dict[str, int]:
        """By name, those that may still come to be."""
        self._partitions = {
            key: value
            for key, value in self._partitions.items()
            if value[1] > now - FORGOTTEN_AFTER
        }
        return {
            logical: partitions
            for (owner, logical), (partitions, _) in self._partitions.items()
            if owner == vcluster
        }

    def add(self, vcluster: str, expected: Mapping[str, int], now: float) -> None:
        """Count what was let through."""
        for logical, partitions in expected.items():
            self._partitions[vcluster, logical] = (partitions, now)

    def settle(self, vcluster: str, logical: str) -> None:
        """The topic is recorded, or was not created after all."""
        self._partitions.pop((vcluster, logical), None)
