"""Whether a replica holds every record of the original, and not only the last one.

A mirror that has lost its positions, filters, or tolerates errors goes on behind what it has left
out: its last record is the right one, and records before it are missing. Both logs are put side by
side by what a mirror keeps of a record; no offset can tell, as markers of transactions take some on
one side, and repetitions on the other.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

import msgspec

from controlplane.domain.numbering.runs import Placed
from controlplane.domain.positions import newest_copies


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Records that the replica lacks although it holds later ones of the same partition."""

    partition: str
    """`topic-n`."""
    first: int
    """Offset of the first of them on the original."""
    last: int
    records: int
    """How many are known to be missing from `first` to `last`."""

    def __str__(self) -> str:
        """For whoever has to find them."""
        return f"{self.records} of {self.partition} (offsets {self.first} to {self.last})"


def hole(
    partition: str,
    ours: Sequence[Placed],
    theirs: Sequence[Placed],
    *,
    whole: bool,
    lasting: bool = False,
) -> Hole | None:
    """What the replica lacks before a record that both have; None if nothing surely is.

    Offsets that the replica has left free may be those of records that it had and has compacted, or
    of markers: so many are not counted. Records that look like one that it has are not, either.

    Args:
        partition: `topic-n`.
        ours: the original's last records, in order.
        theirs: the replica's, in order.
        whole: whether these are all that the replica has. If not, those of ours that stand before
            the first record that both have may be further back.
        lasting: whether it has to be one whatever is still on its way. Then nothing is concluded
            from a record of which the replica holds fewer than came up to there: what it holds may
            be an earlier one that looks alike.
    """
    held, passed = Counter(placed.digest for placed in theirs), Counter[bytes]()
    copies = newest_copies(
        [placed.digest for placed in ours], [(placed.digest, placed.offset) for placed in theirs]
    )
    there = {placed.digest for placed in theirs}
    offsets = [placed.offset for placed in theirs]
    missing: list[Placed] = []
    between: list[Placed] = []
    before = -1 if whole else None
    for placed, copy in zip(ours, copies, strict=True):
        passed[placed.digest] += 1
        if lasting and copy is not None and passed[placed.digest] > held[placed.digest]:
            continue
        if copy is None:
            if placed.digest not in there:
                between.append(placed)
            continue
        if before is not None and between:
            missing += between[_left_free(offsets, before, copy) :]
        between, before = [], copy
    if not missing:
        return None
    first, last = missing[0].offset, missing[-1].offset
    return Hole(partition=partition, first=first, last=last, records=len(missing))


def _left_free(offsets: Sequence[int], after: int, before: int) -> int:
    """How many offsets between two are no record's."""
    taken = bisect_right(offsets, before - 1) - bisect_right(offsets, after)
    return before - after - 1 - taken


def has_come(known: Hole, ours: Sequence[Placed], theirs: Sequence[Placed]) -> bool:
    """Whether the replica has by now what it lacked, all of which is in sight.

    Args:
        known: of before.
        ours: the original's last records, in order.
        theirs: the replica's.
    """
    there = {placed.digest for placed in theirs}
    them = [placed for placed in ours if known.first <= placed.offset <= known.last]
    is_in_sight = len(them) >= known.records and them[0].offset == known.first
    return is_in_sight and all(placed.digest in there for placed in them)


def still_missing(known: Hole | None, found: Hole | None, begin: int) -> Hole | None:
    """What is known now: the hole of before stays one when nobody looks at it any more.

    Args:
        known: of before.
        found: just now, in the last records.
        begin: the original's first offset: what it has deleted, nobody misses.
    """
    if known is None or known.last < begin:
        return found
    if found is None:
        return known
    if found.first <= known.last:
        return max(found, known, key=lambda hole: hole.records)
    return Hole(
        partition=known.partition,
        first=known.first,
        last=found.last,
        records=known.records + found.records,
    )
