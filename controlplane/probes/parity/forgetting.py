"""Has groups without positions on a target that they do not have on the source."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from kio.schema.types import GroupId

from controlplane.domain.parity.groups import forgotten
from controlplane.probes.ghosts import remove_members
from controlplane.probes.groups import committed_by, groups_of
from controlplane.probes.parity.deleting import delete_groups, delete_positions
from upstream.inquiry import Inquiry


class Deleted(NamedTuple):
    """What is not there any more."""

    groups: tuple[str, ...]
    positions: int


async def forget(
    source: Inquiry, target: Inquiry, is_ours: Callable[[str], bool], topics: Collection[str]
) -> Deleted:
    """Delete what was deleted, or never was, on the source; only while the target serves nobody.

    Args:
        source: the cluster that serves.
        target: the one that is to serve.
        is_ours: whether a group, by its id, belongs to the scope.
        topics: the scope's physical topics.

    Raises:
        InquiryError: a cluster does not answer, or is not ready yet.
    """
    their_groups = await groups_of(target, is_ours)
    if not their_groups:
        return Deleted((), 0)
    groups = await groups_of(source, is_ours)
    ours = await committed_by(source, groups, stable=False)
    theirs = await committed_by(target, their_groups, stable=False)
    readable = [group for group in groups if group not in ours.unreadable]
    kept = set(ours.unreadable)
    gone = forgotten(
        ours.committed,
        theirs.committed,
        readable,
        [group for group in their_groups if group not in kept],
        topics,
    )
    emptied = {*gone.groups, *(group for group, *_ in gone.places)}
    if not emptied:
        return Deleted((), 0)
    await remove_members(target, [GroupId(group) for group in sorted(emptied)])
    refused = await delete_groups(target, gone.groups)
    stayed = await delete_positions(target, gone.places)
    return Deleted(
        tuple(group for group in gone.groups if group not in refused),
        len(gone.places) - len(stayed),
    )
