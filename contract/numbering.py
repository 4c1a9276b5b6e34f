"""Virtual offsets: the numbers that clients know a partition's records by, over all clusters.

A record has different offsets on two clusters as soon as one log has gaps that the other has not.
So a partition has numberings, one after another: number = offset + delta. A numbering that begins
at a switch begins above every number that was given before (its `floor`), so a number tells by
itself which numbering it is of, wherever a client has kept it. Older numbers are led to the present
ones by stretches.
"""

from bisect import bisect_right

import msgspec


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """Where older numbers go on in the present numbering, from `begin` up to the next stretch.

    Up to `first` they all go on at `place`: nothing is there, or it is not known where exactly.
    From `first` on each stands one further than the one before.
    """

    begin: int
    first: int
    place: int

    def of(self, number: int) -> int:
        """The present number that takes the place of one of the stretch."""
        return self.place + max(0, number - self.first)


class Numbering(msgspec.Struct, frozen=True, array_like=True):
    """How the offsets of a partition on its cluster are shown to clients."""

    partition: int
    delta: int = 0
    """Added to an offset of the cluster to give its number."""
    floor: int = 0
    """The lowest number of this numbering; all below are of older ones."""
    older: tuple[Stretch, ...] = ()
    """In order of `begin`."""

    @property
    def is_plain(self) -> bool:
        """Whether numbers are the cluster's own offsets."""
        return self.delta == 0 and self.floor == 0

    def present(self, number: int) -> int:
        """A number in the present numbering; one that nothing is known of is its beginning."""
        if number >= self.floor:
            return number
        at = bisect_right(self.older, number, key=_begin) - 1
        return self.older[at].of(number) if at >= 0 else self.floor

    def offset(self, number: int) -> int:
        """The cluster's offset for a number that a client brings; what is negative stays."""
        return max(0, self.present(number) - self.delta) if number >= 0 else number

    def number(self, offset: int) -> int:
        """The number that clients are told for an offset; what is negative stays."""
        return max(self.floor, offset + self.delta) if offset >= 0 else offset


def _begin(stretch: Stretch) -> int:
    return stretch.begin
