"""What a replica is known to hold: worked out while both clusters answer, used when one does not.

Two clusters give the same record different offsets (transaction markers take offsets and are not
mirrored; a mirror may repeat records), so nothing can be said of a dead cluster from the replica's
end offset alone. An anchor can say it: a record that was seen on both sides. From there on the
replica's records are counted.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from controlplane.domain.completeness import Hole
from controlplane.domain.numbering.runs import Placed, Run, continued, turned_round
from controlplane.domain.unreadable import Unreadable

RUN = 10
"""So many records in a row must be the same on both sides, or all that the replica has."""


class Anchor(msgspec.Struct, frozen=True):
    """The record at offset `source` of the source stands at offset `replica` of the replica."""

    source: int
    replica: int


def is_newest(anchor: Anchor | None, source_end: int, replica_end: int) -> bool:
    """Whether nothing was written to either since the anchor, so that nothing need be read."""
    return anchor == Anchor(source_end - 1, replica_end - 1)


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One partition, when both clusters last answered."""

    partition: str
    """`topic-n`."""
    source_begin: int
    source_end: int
    replica_end: int | None = None
    """None if the replica did not have the partition, or nobody noted it."""
    anchor: Anchor | None
    """None if no record was ever seen on both sides."""
    runs: tuple[Run, ...] = ()
    """What was seen to stand where, up to the anchor."""
    hole: Hole | None = None
    """What the mirror was seen to leave out."""
    unreadable: Unreadable | None = None
    """Why the newest look could not read it; the rest is as it was seen before."""
    alike: bool = False
    """Whether both ended with the same record, as many just like it in a row, at these ends."""

    postponed: bool = False
    """Whether the newest look left it to a later one: the rest is as it was seen before."""
    counted: Anchor | None = None
    """Of what could not be read: up to where both hold as many records. Not a record that was seen
    on both, and nothing is counted from it of which a loss is told."""

    @property
    def cursor(self) -> Anchor | None:
        """The anchor, if a record stands there on both sides: reading can go on behind it.

        The one of a replica that was empty is none: no record stands there.
        """
        if self.anchor is None or not self.runs:
            return None
        ends = (self.anchor.source + 1, self.anchor.replica + 1)
        return self.anchor if (self.runs[-1].end, self.runs[-1].target_end) == ends else None

    def is_unmoved(self, source_end: int, replica_end: int | None) -> bool:
        """Whether nothing was written to either since, so that reading again shows the same."""
        ends = (self.source_end, self.replica_end)
        is_read = self.unreadable is None and not self.postponed
        return is_read and ends == (source_end, replica_end)

    def is_alike_at(self, source_end: int, replica_end: int | None) -> bool:
        """Whether both are known to end with the same, where they end now."""
        if replica_end is None:
            return False
        if is_newest(self.anchor, source_end, replica_end):
            return True
        return self.alike and self.is_unmoved(source_end, replica_end)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A scope's partitions, when both clusters last answered."""

    seen_at: datetime
    seq: int = 0
    """The newest event when the look began."""
    marks: tuple[Mark, ...]


class Troubles(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a look nobody wants to find, added up."""

    left_out: int = 0
    """Records that the mirror was seen to leave out, though it has brought later ones."""
    unreadable: int = 0
    """Partitions that could not be read, on either cluster."""


def troubles_of(watched: Watched | None) -> Troubles:
    """None at all, if nothing was seen."""
    marks = watched.marks if watched is not None else ()
    return Troubles(
        left_out=sum(mark.hole.records for mark in marks if mark.hole is not None),
        unreadable=sum(mark.unreadable is not None for mark in marks),
    )


def marks_of(watched: Watched | None) -> dict[str, Mark]:
    """Marks by partition (`topic-n`); none if nothing was seen."""
    return {mark.partition: mark for mark in watched.marks} if watched is not None else {}


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What of one partition is missing on the replica, in the offsets of the cluster given up.

    Everything from `first` on, and what the mirror had left out before; the cluster ended at
    `seen_end` when it last answered. What it took in later is missing too, if it was not mirrored
    before it died: nobody can count that.
    """

    partition: str
    first: int
    seen_end: int
    hole: Hole | None = None
    """What the mirror had left out before `first`."""
    unreadable: Unreadable | None = None
    """Why it could not be read, so that more than is true may be told to be missing."""

    @property
    def known(self) -> int:
        """How many offsets are known to be missing."""
        left_out = self.hole.records if self.hole is not None else 0
        return max(0, self.seen_end - self.first) + left_out


def seen_both_ways(watched: Watched | None, back: Watched | None) -> Watched | None:
    """With what was seen to stand where while the replica was the original.

    Args:
        watched: what was seen last; None if nothing was.
        back: the same of the way back.
    """
    if back is None or (watched is not None and watched.seen_at > back.seen_at):
        return watched
    known = marks_of(watched)
    turned = {mark.partition: turned_round(mark.runs) for mark in back.marks}
    empty = Mark(partition="", source_begin=0, source_end=0, anchor=None)
    marks = tuple(
        msgspec.structs.replace(
            known.get(partition, empty),
            partition=partition,
            runs=continued(known.get(partition, empty).runs, runs),
        )
        for partition, runs in turned.items()
    )
    others = tuple(mark for partition, mark in known.items() if partition not in turned)
    return msgspec.structs.replace(back, marks=(*marks, *others))


def cursors_back(back: Watched | None) -> dict[str, Anchor]:
    """Records that both have, by partition, as they were seen while the replica was the original.

    From them on can be read. They are no anchors to count from: what stands behind them on what
    was the original are not copies alone.
    """
    return {
        name: Anchor(cursor.replica, cursor.source)
        for name, mark in marks_of(back).items()
        if (cursor := mark.cursor) is not None
    }


def forgetting(watched: Watched | None, topics: Collection[str]) -> Watched | None:
    """Without what was seen of topics that one side was given anew."""
    if watched is None or not topics:
        return watched
    marks = tuple(
        msgspec.structs.replace(
            mark, anchor=None, replica_end=None, alike=False, runs=(), hole=None, counted=None
        )
        if mark.partition.rpartition("-")[0] in topics
        else mark
        for mark in watched.marks
    )
    return msgspec.structs.replace(watched, marks=marks)


def follow(anchor: Anchor, source: Sequence[Placed], replica: Sequence[Placed]) -> Anchor | None:
    """Where the replica's last record stands, if it went on from the anchor as the source did.

    Nothing is missing then up to there, and nothing stands there twice.

    Args:
        anchor: a record that was seen on both.
        source: the source's records from that one on, in order.
        replica: the replica's.
    """
    begins = (source[0].offset, replica[0].offset) if source and replica else None
    if begins != (anchor.source, anchor.replica):
        return None
    if [p.digest for p in replica] != [p.digest for p in source[: len(replica)]]:
        return None
    return Anchor(source[len(replica) - 1].offset, replica[-1].offset)


def align(source: Sequence[Placed], replica: Sequence[Placed]) -> Anchor | None:
    """Where the replica's last record stands in the source; None if that is not certain.

    Args:
        source: the source's last records, in order.
        replica: the replica's last records, in order.
    """
    run = [placed.digest for placed in replica[-RUN:]]
    if not run:
        return None
    digests = [placed.digest for placed in source]
    found = [
        at for at in range(len(run) - 1, len(digests)) if digests[at - len(run) + 1 : at + 1] == run
    ]
    # Records that cannot be told apart might stand anywhere: an older anchor is worth more.
    if len(found) != 1:
        return None
    return Anchor(source[found[0]].offset, replica[-1].offset)


def nothing_mirrored(source_begin: int, replica_end: int) -> Anchor:
    """The anchor of a partition that is empty on the replica: it ends before the source begins."""
    return Anchor(source_begin - 1, replica_end - 1)


def from_the_beginning(source: Sequence[Placed], replica: Sequence[Placed]) -> Anchor | None:
    """The anchor of a partition into which nothing but the mirror wrote; None if not certain.

    Args:
        source: the first records that the source still has, in order.
        replica: the first ones that the replica has, not more.
    """
    begin = source[: len(replica)]
    digests = [placed.digest for placed in replica]
    if not begin or [placed.digest for placed in begin] != digests:
        return None
    # Of records that look alike the source may have deleted some since, if it has not its first.
    is_untouched = begin[0].offset == replica[0].offset == 0
    if len(set(digests)) < len(digests) and not is_untouched:
        return None
    return Anchor(begin[-1].offset, replica[-1].offset)


def loss(
    mark: Mark,
    replica_end: int | None,
    tail: Sequence[Placed],
    unreadable: Unreadable | None = None,
) -> Loss:
    """What the replica lacks.

    Never less than it does: gaps in the source's offsets since the anchor, as transaction markers
    leave them, and records that look alike make `first` too small, not too large.

    Args:
        mark: the partition when both clusters last answered.
        replica_end: the replica's end offset; None if it does not have the partition.
        tail: the replica's last records, in order.
        unreadable: why these could not be read: then nothing counts as delivered since the anchor,
            as all of it may be what had been delivered before.
    """
    first = mark.source_begin
    if mark.anchor is not None and replica_end is not None and unreadable is not None:
        first = max(first, mark.anchor.source + 1)
    elif mark.anchor is not None and replica_end is not None:
        delivered = _taken(mark.anchor, replica_end, tail) - _repeated(mark.anchor, tail)
        first = max(first, mark.anchor.source + 1 + delivered)
    hole = mark.hole if mark.hole is not None and mark.hole.last < first else None
    return Loss(
        partition=mark.partition,
        first=first,
        seen_end=mark.source_end,
        hole=hole,
        unreadable=unreadable or mark.unreadable,
    )


def _taken(anchor: Anchor, replica_end: int, tail: Sequence[Placed]) -> int:
    """How many records the replica may have got since the anchor.

    Offsets are counted where not all of them were read: markers of transactions take some, on what
    was written by clients before it became a replica.
    """
    if tail and tail[0].offset <= anchor.replica + 1:
        return sum(placed.offset > anchor.replica for placed in tail)
    return replica_end - (anchor.replica + 1)


def _repeated(anchor: Anchor, tail: Sequence[Placed]) -> int:
    """How many records after the anchor may be ones that the mirror delivered before."""
    since = [placed for placed in tail if placed.offset > anchor.replica]
    before = {placed.digest for placed in tail if placed.offset <= anchor.replica}
    return len(since) - len({placed.digest for placed in since} - before)
