"""Whether a replica holds as many records as the original, told without reading any of them.

A batch of records says in its header how many it has and when the newest of them was written.
Batches differ on two clusters, as a mirror fills its own: what can be compared are *pieces*, cut
where a batch ends on both sides after equally many records. Both hold a piece if its newest record
is of the same time. That is less than to have seen the records: what they say is not looked at, and
of two that stand in one piece with another one not their times either.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from controlplane.domain.replica import Anchor


class Batch(NamedTuple):
    """What the header of a batch says."""

    end: int
    """The offset behind its last record."""
    records: int
    newest: int | None
    """Epoch milliseconds of its newest record; None: it is not known, or there is none."""


class Count(NamedTuple):
    """Two logs, counted from a place up to which both hold the same number."""

    upto: Anchor
    """The last place up to which they do now, and with pieces of the same times."""
    counted: int
    """Records of the original up to there."""
    ours: int
    """Further ones of the original."""
    theirs: int
    """Further ones of the replica."""
    fits: bool
    """Whether no piece was found that is of another time; then nothing behind it is compared."""
    behind_ms: int
    """Between the oldest and the newest of the original's further batches."""

    @property
    def is_as_many(self) -> bool:
        """Whether the replica holds each piece of the original, and nothing else."""
        return self.fits and self.ours == self.theirs == 0

    @property
    def is_more(self) -> bool:
        """Whether the replica holds more, as a mirror that repeats records makes it."""
        return self.fits and self.theirs > self.ours


def count(since: Anchor, ours: Sequence[Batch], theirs: Sequence[Batch]) -> Count:
    """Count both.

    Args:
        since: the last place up to which both are known to hold the same; a record need not stand
            there.
        ours: the original's batches behind it, in order.
        theirs: the replica's.
    """
    our_ends, their_ends = _ends(ours), _ends(theirs)
    place, upto, at, there, fits = 0, since, 0, 0, True
    for number in sorted(our_ends.keys() & their_ends.keys()):
        our_next, their_next = our_ends[number], their_ends[number]
        if not _are_alike(ours[at:our_next], theirs[there:their_next]):
            fits = False
            break
        place, at, there = number, our_next, their_next
        upto = Anchor(
            ours[at - 1].end - 1 if at else since.source,
            theirs[there - 1].end - 1 if there else since.replica,
        )
    times = [batch.newest for batch in ours[at:] if batch.newest is not None]
    return Count(
        upto=upto,
        counted=place,
        ours=sum(batch.records for batch in ours[at:]),
        theirs=sum(batch.records for batch in theirs[there:]),
        fits=fits,
        behind_ms=max(times) - min(times) if times else 0,
    )


def _ends(batches: Sequence[Batch]) -> dict[int, int]:
    """Number of records to number of batches that end after them, empty ones included."""
    numbers = accumulate((batch.records for batch in batches), initial=0)
    return {number: at for at, number in enumerate(numbers)}


def _are_alike(ours: Sequence[Batch], theirs: Sequence[Batch]) -> bool:
    """Whether the newest record of a piece is of the same time on both, as far as that is known."""
    newest, other = _newest(ours), _newest(theirs)
    return newest is None or other is None or newest == other


def _newest(piece: Sequence[Batch]) -> int | None:
    """None if one of its times is not known."""
    times = [batch.newest for batch in piece if batch.records]
    return max((at for at in times if at is not None), default=None) if None not in times else None


def counting_from(
    places: Sequence[Anchor], begins: tuple[int, int], ends: tuple[int, int]
) -> Anchor | None:
    """The newest place to count from, of those behind which both still have everything.

    Args:
        places: up to which both are known to hold the same.
        begins: the first offset that the original still has, and the replica.
        ends: where they end.
    """
    usable = [
        place
        for place in places
        if begins[0] - 1 <= place.source < ends[0] and begins[1] - 1 <= place.replica < ends[1]
    ]
    return max(usable, key=lambda place: place.source, default=None)
