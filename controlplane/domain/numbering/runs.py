"""Which records of a partition stand where on two clusters, as far as it has been seen.

A run is a row of records with consecutive offsets on both sides. What lies between two runs has
gaps on one side (transaction markers, compaction) or repetitions on the other, or was not read.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from controlplane.domain.fingerprints import comparable
from controlplane.domain.positions import newest_copies

MOST_RUNS: Final = 256
"""Of one partition. The newest half is kept as it is, of the earlier ones what gives most."""


class Placed(msgspec.Struct, frozen=True):
    """A record, by what tells it from others, and where it stands."""

    offset: int
    digest: bytes
    """Its fingerprint, of what a mirror keeps: timestamp, key, value and headers."""


def comparable_rows(
    ours: Sequence[Placed], theirs: Sequence[Placed]
) -> tuple[list[Placed], list[Placed]]:
    """Two rows whose digests are the same where the records may be."""
    mine, other = comparable([p.digest for p in ours], [p.digest for p in theirs])
    return _with(ours, mine), _with(theirs, other)


def _with(row: Sequence[Placed], digests: Sequence[bytes]) -> list[Placed]:
    return [Placed(placed.offset, d) for placed, d in zip(row, digests, strict=True)]


class Run(msgspec.Struct, frozen=True, array_like=True):
    """`count` records from offset `source` of one cluster, and from `target` of the other.

    None of them: whoever goes on at `source` on the one goes on at `target` on the other.
    """

    source: int
    target: int
    count: int
    whole: bool
    """Whether no record stands between the run before and this one: a gap, and nothing unread."""

    @property
    def shift(self) -> int:
        """What is added to an offset of the source."""
        return self.target - self.source

    @property
    def end(self) -> int:
        """The source's offset behind it."""
        return self.source + self.count

    @property
    def target_end(self) -> int:
        """The target's offset behind it."""
        return self.target + self.count


def runs_of(
    ours: Sequence[Placed], theirs: Sequence[Placed], *, from_the_beginning: bool = False
) -> tuple[Run, ...]:
    """Put two rows side by side that end with the same record.

    Args:
        ours: the source's records, in order.
        theirs: the target's.
        from_the_beginning: whether the source has no records before these.
    """
    copies = newest_copies(
        [placed.digest for placed in ours], [(placed.digest, placed.offset) for placed in theirs]
    )
    runs: list[Run] = []
    whole = from_the_beginning
    for placed, target in zip(ours, copies, strict=True):
        if target is None:
            whole = False
            continue
        last = runs[-1] if runs else None
        if whole and last and (last.end, last.target_end) == (placed.offset, target):
            runs[-1] = Run(last.source, last.target, last.count + 1, last.whole)
        else:
            runs.append(Run(placed.offset, target, 1, whole))
        whole = True
    return tuple(runs)


def continued(known: Sequence[Run], newer: Sequence[Run]) -> tuple[Run, ...]:
    """What was known, and what was seen since; where both speak of a record, the newer holds.

    Where nothing is known of what lies between them, but everything stands as far apart before it
    as after it, the same is taken to hold for what is in it.
    """
    if not newer:
        return tuple(known)
    first = newer[0]
    if any(_begins_alike(run, first) and run.whole for run in known):
        # What stands before it was seen then, whoever begins to read at it now.
        first = Run(first.source, first.target, first.count, whole=True)
    kept = [_before(run, first) for run in known if run.source < first.source]
    kept = [run for run in kept if run.target <= first.target]
    if kept and kept[-1].shift == first.shift:
        last = kept.pop()
        first = Run(last.source, last.target, first.end - last.source, last.whole)
    elif kept and kept[-1].end == first.source:
        first = Run(first.source, first.target, first.count, whole=True)
    return thinned((*kept, first, *newer[1:]))


def closed(
    runs: Sequence[Run], source_end: int, target_end: int, *, whole: bool
) -> tuple[Run, ...]:
    """Runs up to the ends of both logs, the target's of which holds everything.

    Args:
        runs: what was seen.
        source_end: the source's end.
        target_end: the target's.
        whole: whether no record comes after the last run.
    """
    return (*runs, Run(source_end, target_end, 0, whole))


def thinned(runs: tuple[Run, ...], most: int = MOST_RUNS) -> tuple[Run, ...]:
    """At most so many; of what is left out only the beginning is known any more."""
    while len(runs) > most:
        older, newer = runs[: -(most // 2)], runs[-(most // 2) :]
        kept = [_after_something(run) for run in older[::2]]
        if kept and len(older) % 2 == 0:
            newer = (_after_something(newer[0]), *newer[1:])
        runs = (*kept, *newer)
    return runs


def turned_round(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The same, of the way back."""
    turned: list[Run] = []
    for run in runs:
        whole = bool(turned) and turned[-1].end == run.target
        turned.append(Run(run.target, run.source, run.count, whole))
    return tuple(turned)


def with_points(runs: Sequence[Run], points: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
    """Further places that are known, as far as they lie before all that was seen.

    Args:
        runs: what was seen.
        points: offsets of the source and of the target at which the same comes next.
    """
    found: list[Run] = []
    for source, target in sorted(set(points)):
        if runs and (source >= runs[0].source or target > runs[0].target):
            break
        if found and (source == found[-1].source or target < found[-1].target):
            continue
        found.append(Run(source, target, 0, whole=False))
    if not found or not runs:
        return (*found, *runs)
    return (*found, _after_something(runs[0]), *runs[1:])


def _after_something(run: Run) -> Run:
    """A run before which something is left out."""
    return Run(run.source, run.target, run.count, whole=False)


def _begins_alike(run: Run, other: Run) -> bool:
    return (run.source, run.target) == (other.source, other.target)


def _before(run: Run, later: Run) -> Run:
    """As much of a run as lies before another."""
    room = max(0, min(later.source - run.source, later.target - run.target))
    return Run(run.source, run.target, min(run.count, room), run.whole)
