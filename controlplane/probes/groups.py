"""Reads and writes what groups have committed, for many groups at once."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import wraps
from itertools import islice
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from kio.schema.errors import ErrorCode
from kio.schema.find_coordinator.v4.request import FindCoordinatorRequest
from kio.schema.list_groups.v4.request import ListGroupsRequest
from kio.schema.offset_commit.v8.request import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from kio.schema.offset_fetch.v8.request import OffsetFetchRequest, OffsetFetchRequestGroup
from kio.schema.types import GroupId, TopicName
from kio.static.primitive import i32, i64

from controlplane.domain.positions import Committed
from upstream.inquiry import Inquiry, InquiryError

_GROUPS_IN_ONE: Final = 100
"""Groups that one request asks for."""
_NOT_YET: Final = frozenset(
    {
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.coordinator_not_available,
        ErrorCode.not_coordinator,
    }
)
"""Errors that pass by themselves."""
_READY_WITHIN_S: Final = 5.0
"""A cluster makes its coordinators when it is asked for the first one."""
_PAUSE_S: Final = 0.1
_NOTHING: Final = -1
"""The offset of a partition for which nothing was committed."""

T = TypeVar("T")
P = ParamSpec("P")


class NotReadyError(InquiryError):
    """A coordinator is not there yet, or not any more: to be asked again."""


def _patient(ask: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Ask again for a while if a coordinator is not ready."""

    @wraps(ask)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        give_up_at = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                return await ask(*args, **kwargs)
            except NotReadyError:
                if time.monotonic() > give_up_at:
                    raise
            await asyncio.sleep(_PAUSE_S)

    return asked


class Found(NamedTuple):
    """What groups have committed."""

    committed: list[Committed]
    unstable: set[tuple[str, str, int]]
    """Group, topic and partition where an open transaction may commit something else."""
    unreadable: dict[str, str]
    """Groups whose offsets cannot be read, and why."""


@_patient
async def groups_of(cluster: Inquiry, is_ours: Callable[[str], bool]) -> list[str]:
    """The ids of those groups that the function says are ours. Raises InquiryError."""
    request = ListGroupsRequest()
    answers = await cluster.ask_each({broker: [request] for broker in cluster.brokers})
    found: set[str] = set()
    for _, answer in answers:
        _require(cluster, "its groups", answer.error_code)
        found |= {listed.group_id for listed in answer.groups if is_ours(listed.group_id)}
    return sorted(found)


@_patient
async def committed_by(cluster: Inquiry, groups: Collection[str], *, stable: bool = True) -> Found:
    """Everything that the groups have committed.

    Args:
        cluster: where.
        groups: their ids.
        stable: tell apart what an open transaction may still change.

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    requests: dict[int, list[Any]] = defaultdict(list)
    for broker, ids in (await coordinators(cluster, groups)).items():
        for some in _chunks(ids):
            asked = tuple(OffsetFetchRequestGroup(group_id=GroupId(g), topics=None) for g in some)
            requests[broker].append(OffsetFetchRequest(groups=asked, require_stable=stable))
    found = Found([], set(), {})
    for _, answer in await cluster.ask_each(requests):
        for group in answer.groups:
            if group.error_code is not ErrorCode.none:
                _require_settled(cluster, group.group_id, group.error_code)
                found.unreadable[group.group_id] = group.error_code.name
                continue
            _take_offsets(group, found)
    return found


def _take_offsets(group: Any, found: Found) -> None:
    for topic in group.topics:
        for partition in topic.partitions:
            place = group.group_id, topic.name, partition.partition_index
            if partition.error_code is not ErrorCode.none:
                found.unstable.add(place)
            elif partition.committed_offset != _NOTHING:
                committed = Committed(*place, partition.committed_offset, partition.metadata)
                found.committed.append(committed)


@_patient
async def commit(cluster: Inquiry, offsets: Iterable[Committed]) -> dict[tuple[str, str, int], str]:
    """Commit for groups without being a member; what was refused, and why.

    A coordinator refuses all of a group that has members (UNKNOWN_MEMBER_ID).

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    by_group: dict[str, list[Committed]] = defaultdict(list)
    for committed in offsets:
        by_group[committed.group].append(committed)
    requests: dict[int, list[Any]] = {
        broker: [_commit_request(group, by_group[group]) for group in groups]
        for broker, groups in (await coordinators(cluster, by_group)).items()
    }
    refused: dict[tuple[str, str, int], str] = {}
    for request, answer in await cluster.ask_each(requests):
        for topic in answer.topics:
            for partition in topic.partitions:
                code = partition.error_code
                if code is not ErrorCode.none:
                    _require_settled(cluster, request.group_id, code)
                    refused[request.group_id, topic.name, partition.partition_index] = code.name
    return refused


def _commit_request(group: str, offsets: list[Committed]) -> OffsetCommitRequest:
    by_topic: dict[str, list[OffsetCommitRequestPartition]] = defaultdict(list)
    for committed in offsets:
        by_topic[committed.topic].append(
            OffsetCommitRequestPartition(
                partition_index=i32(committed.partition),
                committed_offset=i64(committed.offset),
                committed_metadata=committed.metadata,
            )
        )
    return OffsetCommitRequest(
        group_id=GroupId(group),
        member_id="",
        topics=tuple(
            OffsetCommitRequestTopic(name=TopicName(name), partitions=tuple(partitions))
            for name, partitions in by_topic.items()
        ),
    )


async def coordinators(cluster: Inquiry, groups: Collection[str]) -> dict[int, list[str]]:
    """The groups by the broker that coordinates them. Raises InquiryError."""
    if not groups:
        return {}
    requests = [FindCoordinatorRequest(coordinator_keys=some) for some in _chunks(sorted(groups))]
    found: dict[int, list[str]] = defaultdict(list)
    for answer in await cluster.ask_any(*requests):
        for coordinator in answer.coordinators:
            _require(cluster, f"the coordinator of group {coordinator.key}", coordinator.error_code)
            found[coordinator.node_id].append(coordinator.key)
    return found


def _chunks(items: Iterable[T]) -> Iterable[tuple[T, ...]]:
    left = iter(items)
    while some := tuple(islice(left, _GROUPS_IN_ONE)):
        yield some


def _require_settled(cluster: Inquiry, group: str, code: ErrorCode) -> None:
    if code in _NOT_YET:
        _require(cluster, f"the offsets of group {group}", code)


def _require(cluster: Inquiry, what: str, code: ErrorCode) -> None:
    if code is not ErrorCode.none:
        error = NotReadyError if code in _NOT_YET else InquiryError
        raise error(f"cluster {cluster.name} does not tell {what}: {code.name}")
