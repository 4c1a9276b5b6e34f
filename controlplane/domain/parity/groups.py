"""What groups have on a target alone: positions and groups that were deleted on the source."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from controlplane.domain.positions import Committed

Place = tuple[str, str, int]
"""Group, topic and partition."""


class Forgotten(NamedTuple):
    """What is to be deleted on the target."""

    groups: tuple[str, ...]
    places: tuple[Place, ...]
    """Positions of groups that stay."""


def forgotten(
    ours: Iterable[Committed],
    theirs: Iterable[Committed],
    groups: Collection[str],
    their_groups: Collection[str],
    topics: Collection[str],
) -> Forgotten:
    """What the source does not know (any more).

    Args:
        ours: what the groups have committed on the source.
        theirs: the same on the target.
        groups: those that the source has, whose positions can be read.
        their_groups: those that the target has.
        topics: the scope's physical ones: positions in others are not ours to delete.
    """
    known = {committed[:3] for committed in ours}
    kept = set(groups)
    places = (
        committed[:3]
        for committed in theirs
        if committed.group in kept and committed.topic in topics and committed[:3] not in known
    )
    return Forgotten(tuple(sorted(set(their_groups) - kept)), tuple(sorted(places)))
