"""How partitions of a target stand to their originals: whether they lack something, and much."""

from collections.abc import Collection
from itertools import chain
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from controlplane.domain.fingerprints import timestamp_of
from controlplane.domain.unreadable import Unreadable
from controlplane.probes.counting import Counted
from controlplane.probes.reader import EndReader
from controlplane.probes.rows import ROW, Rows, last_rows
from controlplane.probes.taking import Tail
from controlplane.probes.together import together

FAR_MS: Final = 10_000
"""A target that lacks records of more than this time is not close enough."""


class Standing(NamedTuple):
    """Of one partition."""

    is_behind: bool
    """Whether the target lacks something of the source."""
    is_far_behind: bool
    """Whether it lacks so much that it should not be waited for behind a fence."""
    may_have_been_deleted: bool = False
    """Whether what it lacks may have been there, and have been deleted since."""


def standing_of_rows(rows: Rows) -> Standing:
    """Of a partition of which both go on alike from a record that they have."""
    told = [at for placed in rows.to_come if (at := timestamp_of(placed.digest)) is not None]
    is_far = bool(told) and told[-1] - told[0] > FAR_MS
    return Standing(is_behind=rows.is_behind, is_far_behind=is_far)


def standing_of_count(counted: Counted) -> Standing | None:
    """Of a partition that cannot be read; None if its number proves nothing."""
    if counted.means is not None:
        return Standing(is_behind=False, is_far_behind=False)
    if not counted.is_behind:
        return None
    return Standing(is_behind=True, is_far_behind=counted.found.behind_ms > FAR_MS)


async def standings_by_tails(
    source: EndReader,
    target: EndReader,
    partitions: list[TopicPartition],
    mirrored: Collection[TopicPartition],
) -> tuple[dict[TopicPartition, Standing], tuple[Unreadable, ...]]:
    """Of those partitions of which nothing better is known than what stands last.

    Args:
        source: the original.
        target: the replica.
        partitions: those to look at.
        mirrored: those that the target has.

    Returns:
        How they stand, and what could not be read, on either: of these nothing is said.

    Raises:
        UnreachableError: one of them does not answer.
    """
    if not partitions:
        return {}, ()
    there = [p for p in partitions if p in mirrored]
    ours, theirs = await together(source.tails(partitions), target.tails(there))
    # A record without a timestamp has got one by its copy.
    timeless = [
        p for p in there if is_timeless(ours.found.get(p)) or is_timeless(theirs.found.get(p))
    ]
    rows, unread = await last_rows(source, target, dict.fromkeys(timeless, (ROW, ROW)))
    unreadable = chain(ours.unreadable.values(), theirs.unreadable.values(), unread.values())
    found = {
        p: _standing(ours.found[p], theirs.found[p], rows.get(p))
        for p in there
        if p in ours.found and p in theirs.found and p not in unread
    }
    return found, tuple(unreadable)


def _standing(ours: Tail | None, theirs: Tail | None, rows: Rows | None) -> Standing:
    return Standing(
        is_behind=is_behind(ours, theirs) if rows is None else rows.is_behind,
        is_far_behind=is_far_behind(ours, theirs),
        may_have_been_deleted=may_have_been_deleted(ours, theirs),
    )


def is_behind(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target lacks something of the source.

    A mirror that delivers at least once may repeat records: more of them is not less.
    """
    if ours is None:
        return False
    return theirs is None or theirs.record != ours.record or theirs.repeats < ours.repeats


def may_have_been_deleted(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target may have had the source's last record, and has none like it any more.

    Retention deletes all records before the last one; compaction only ever deletes a tombstone.
    """
    return theirs is None or (ours is not None and ours.record.value is None)


def is_timeless(tail: Tail | None) -> bool:
    """Whether the last record has no timestamp."""
    return tail is not None and tail.record.timestamp < 0


def is_far_behind(ours: Tail | None, theirs: Tail | None) -> bool:
    """Whether the target lacks so much that it should not be waited for behind a fence."""
    if ours is None:
        return False
    return theirs is None or ours.record.timestamp - theirs.record.timestamp > FAR_MS
