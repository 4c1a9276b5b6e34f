"""Brings the positions of groups to the cluster that is about to serve: looks, writes, reads back.

What is looked for is pure, in `domain.positions`; here is what has to be read for it. Where all
groups have read everything, no record is read at all.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256

import msgspec
from aiokafka import TopicPartition
from kio.schema.errors import ErrorCode
from kio.schema.types import GroupId

from contract.clusters_file import ClusterProperties
from controlplane.domain.positions import EXACT, Committed, Remark, TranslatedPosition
from controlplane.domain.switch.view import Positions
from controlplane.probes.describe import UnreachableError
from controlplane.probes.failing import OutOfTimeError
from controlplane.probes.ghosts import remove_members
from controlplane.probes.groups import Found, commit, committed_by, groups_of
from controlplane.probes.imprints import ImprintReader
from controlplane.probes.numbers import Points
from controlplane.probes.reader import EndReader
from controlplane.probes.searching import Sought, search
from controlplane.probes.together import together
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError, inquiry

_BUDGET_S = 15.0
_UNSTABLE_FOR_S = 1.0
"""How long an open transaction that commits offsets is waited for."""
_MOST_REMARKS = 100
_HAS_MEMBERS = ErrorCode.unknown_member_id.name


class Side(msgspec.Struct, frozen=True):
    """One of the two clusters."""

    cluster: ClusterProperties
    ends: EndReader
    imprints: ImprintReader


async def translate(
    source: Side, target: Side, is_ours: Callable[[str], bool], topics: Collection[str]
) -> tuple[Positions, Points]:
    """Have every group go on at the target where it stopped at the source.

    Returns what was done, and the places that were found.

    Args:
        source: the cluster that served, and stands still.
        target: its mirror, which holds everything.
        is_ours: whether a group, by its id, belongs to the scope.
        topics: the scope's physical topics.

    Raises:
        UnreachableError: a cluster does not answer.
        OutOfTimeError: it could not be done within the budget.
    """
    at = time.monotonic()
    try:
        async with (
            asyncio.timeout(_BUDGET_S),
            inquiry(access_to(source.cluster)) as old,
            inquiry(access_to(target.cluster)) as new,
        ):
            found = await _committed(old, await groups_of(old, is_ours))
            known = [c for c in found.committed if c.topic in topics]
            wanted = await _wanted(source, target, known)
            places = await search(source.imprints, target.imprints, wanted)
            moved = [_moved(c, places[_partition(c)][c.offset]) for c in known]
            refused = await _commit(new, moved)
            await _read_back(new, [c for c in moved if c[:3] not in refused])
    except InquiryError as error:
        raise UnreachableError(str(error)) from error
    except TimeoutError as error:
        raise OutOfTimeError(
            f"the positions of the groups could not be brought from {source.cluster.name} to"
            f" {target.cluster.name} within our budget of {_BUDGET_S:g} s"
        ) from error
    found_at = [places[_partition(c)][c.offset] for c in known]
    remarks = [
        *_of_others(found, topics),
        *(_remark(c, p, refused, found) for c, p in zip(known, found_at, strict=True)),
    ]
    points: dict[TopicPartition, list[tuple[int, int]]] = defaultdict(list)
    for committed, position in zip(known, found_at, strict=True):
        points[_partition(committed)].append((committed.offset, position.offset))
    return _summary(at, known, found_at, [r for r in remarks if r is not None]), points


async def _committed(old: Inquiry, groups: list[str]) -> Found:
    """What the groups have committed, what open transactions may change included."""
    give_up_at = time.monotonic() + _UNSTABLE_FOR_S
    found = await committed_by(old, groups)
    while found.unstable and time.monotonic() < give_up_at:
        await asyncio.sleep(0.1)
        found = await committed_by(old, groups)
    if not found.unstable:
        return found
    settled = await committed_by(old, groups, stable=False)
    return settled._replace(unstable=found.unstable)


async def _wanted(
    source: Side, target: Side, known: Iterable[Committed]
) -> dict[TopicPartition, Sought]:
    offsets: dict[TopicPartition, set[int]] = defaultdict(set)
    for committed in known:
        offsets[_partition(committed)].add(committed.offset)
    partitions = sorted(offsets)
    ends = await together(source.ends.ends(partitions), target.ends.ends(partitions))
    return {p: Sought(tuple(sorted(offsets[p])), ends[0][p], ends[1][p]) for p in partitions}


async def _commit(new: Inquiry, moved: list[Committed]) -> dict[tuple[str, str, int], str]:
    """Commit, also for groups whose members are still counted from when the target served."""
    refused = await commit(new, moved)
    occupied = {group for (group, *_), why in refused.items() if why == _HAS_MEMBERS}
    if not occupied:
        return refused
    await remove_members(new, [GroupId(group) for group in sorted(occupied)])
    again = await commit(new, [c for c in moved if c.group in occupied])
    return {place: why for place, why in refused.items() if place[0] not in occupied} | again


async def _read_back(new: Inquiry, moved: list[Committed]) -> None:
    there = await committed_by(new, {c.group for c in moved}, stable=False)
    stored = {c[:3]: c.offset for c in there.committed}
    for committed in moved:
        if stored.get(committed[:3]) != committed.offset:
            raise InquiryError(
                f"cluster {new.name} does not keep what is committed for group {committed.group}:"
                f" {committed.topic}-{committed.partition} is at {stored.get(committed[:3])},"
                f" not at {committed.offset}"
            )


def _moved(committed: Committed, position: TranslatedPosition) -> Committed:
    return committed._replace(offset=position.offset)


def _partition(committed: Committed) -> TopicPartition:
    return TopicPartition(committed.topic, committed.partition)


def _of_others(found: Found, topics: Collection[str]) -> Iterable[Remark]:
    for group, reason in found.unreadable.items():
        detail = f"its offsets cannot be read: {reason}"
        yield Remark(
            group=group, topic="", partition=-1, committed=-1, translated=None, detail=detail
        )
    for committed in found.committed:
        if committed.topic not in topics:
            detail = "the topic is not known to the gateway: left to the mirror's own sync"
            yield _told(committed, None, detail)


def _remark(
    committed: Committed,
    position: TranslatedPosition,
    refused: dict[tuple[str, str, int], str],
    found: Found,
) -> Remark | None:
    if (reason := refused.get(committed[:3])) is not None:
        members = " (it has members there)" if reason == _HAS_MEMBERS else ""
        return _told(committed, None, f"the target refuses it: {reason}{members}")
    if committed[:3] in found.unstable:
        detail = f"{position.method}; a transaction was open that may have committed further"
        return _told(committed, position, detail)
    if position.method not in EXACT:
        return _told(committed, position, position.method)
    return None


def _told(committed: Committed, position: TranslatedPosition | None, detail: str) -> Remark:
    return Remark(
        group=committed.group,
        topic=committed.topic,
        partition=committed.partition,
        committed=committed.offset,
        translated=position.offset if position is not None else None,
        detail=detail,
    )


def _summary(
    at: float, known: list[Committed], found_at: list[TranslatedPosition], remarks: list[Remark]
) -> Positions:
    told = sorted(zip(known, found_at, strict=True), key=str)
    return Positions(
        at=at,
        groups=len({c.group for c in known}),
        positions=len(known),
        by_method=tuple(sorted(Counter(p.method.value for p in found_at).items())),
        remarks=tuple(remarks[:_MOST_REMARKS]),
        remarks_left_out=max(0, len(remarks) - _MOST_REMARKS),
        digest=sha256(msgspec.json.encode(told)).hexdigest(),
        duration_ms=round((time.monotonic() - at) * 1000, 1),
    )
