"""What of a partition is on one cluster only: records compared by what a mirror keeps of them."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from controlplane.domain.numbering.runs import Placed, comparable_rows
from controlplane.domain.unreadable import Unreadable


class OneSided(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one partition that one cluster has and the other one has not."""

    count: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    """First and last offset of each row of them."""


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """One partition on two clusters."""

    partition: str
    on_serving: OneSided
    """Only on the cluster that serves: on their way to the other one, or lost to it."""
    within: int
    """How many of these stand before a record that both have: they are not on their way."""
    on_other: OneSided
    """Only on the other one: clients of the serving cluster never saw them."""
    common_end: int | None
    """On the serving cluster, the offset after the last record that both have."""
    complete: bool
    """Whether everything was compared since both held the same, or since the beginning."""
    unreadable: Unreadable | None = None
    """Why it was not compared: nothing is known of what only one of them has."""

    @classmethod
    def unknown(cls, unreadable: Unreadable) -> "Divergence":
        """Of a partition that could not be read on one of the two."""
        return cls(
            partition=unreadable.partition,
            on_serving=OneSided(),
            within=0,
            on_other=OneSided(),
            common_end=None,
            complete=False,
            unreadable=unreadable,
        )


def compare_partition(
    partition: str, serving: Sequence[Placed], other: Sequence[Placed], *, complete: bool
) -> Divergence:
    """Compare what was read of both.

    Args:
        partition: `topic-n`.
        serving: records of the cluster that serves, in order.
        other: those of the other one, from where it held the same, if that is known.
        complete: whether both begin there. If not, what stands before the first record that both
            have may have been on the other side as well, and was not read or is deleted there.
    """
    serving, other = comparable_rows(serving, other)
    ours, theirs = _lacking(serving, other), _lacking(other, serving)
    only_ours = {placed.offset for placed in ours}
    common = [placed.offset for placed in serving if placed.offset not in only_ours]
    if not complete and common:
        ours = [placed for placed in ours if placed.offset > common[0]]
        only_theirs = {placed.offset for placed in theirs}
        first = next(p.offset for p in other if p.offset not in only_theirs)
        theirs = [placed for placed in theirs if placed.offset > first]
    last_common = common[-1] if common else None
    return Divergence(
        partition=partition,
        on_serving=_one_sided(ours),
        within=sum(1 for p in ours if last_common is not None and p.offset < last_common),
        on_other=_one_sided(theirs),
        common_end=last_common + 1 if last_common is not None else None,
        complete=complete,
    )


def _lacking(these: Sequence[Placed], others: Sequence[Placed]) -> list[Placed]:
    """Those of `these` that `others` have not, or not as often: then the later ones."""
    left = Counter(placed.digest for placed in others)
    lacking = []
    for placed in these:
        if left[placed.digest]:
            left[placed.digest] -= 1
        else:
            lacking.append(placed)
    return lacking


def _one_sided(records: Sequence[Placed]) -> OneSided:
    ranges: list[tuple[int, int]] = []
    for placed in records:
        if ranges and placed.offset == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], placed.offset)
        else:
            ranges.append((placed.offset, placed.offset))
    return OneSided(count=len(records), ranges=tuple(ranges))
