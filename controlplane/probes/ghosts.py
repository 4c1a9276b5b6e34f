"""Members that consumer groups still have on a cluster which does not serve their scope any more.

A cluster that a scope has left knows the members until their sessions time out (45 s by default).
If the scope comes back before, they stand in the way: a group with members does not let its
positions be set, and a static member that comes back with another member id is told
FENCED_INSTANCE_ID by one of its own former lives, which is fatal to it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from kio.schema.consumer_group_describe.v0.request import ConsumerGroupDescribeRequest
from kio.schema.consumer_group_heartbeat.v0.request import ConsumerGroupHeartbeatRequest
from kio.schema.describe_groups.v5.request import DescribeGroupsRequest
from kio.schema.leave_group.v3.request import LeaveGroupRequest, MemberIdentity
from kio.schema.list_groups.v4.request import ListGroupsRequest
from kio.schema.types import GroupId
from kio.static.primitive import i32

from contract.clusters_file import ClusterProperties
from controlplane.probes.describe import UnreachableError
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError, inquiry

Groups: TypeAlias = Sequence[tuple[GroupId, ...]]
"""In parts."""

CONSUMER_GROUP_DESCRIBE: Final = 69
_LEAVES: Final = i32(-1)
"""The member epoch of one that leaves."""
_DESCRIBED_AT_ONCE: Final = 100
"""Groups that one request asks for."""


async def remove_ghosts(cluster: ClusterProperties, is_ours: Callable[[str], bool]) -> int:
    """Have all members leave those groups; how many there were.

    Only for a cluster that does not serve these groups: live members would have to join again.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    try:
        async with inquiry(access_to(cluster)) as asked:
            listed = await asked.ask_each({b: [ListGroupsRequest()] for b in asked.brokers})
            groups = sorted(g.group_id for _, a in listed for g in a.groups if is_ours(g.group_id))
            return await remove_members(asked, groups)
    except InquiryError as error:
        raise UnreachableError(str(error)) from error


async def remove_members(asked: Inquiry, groups: Sequence[GroupId]) -> int:
    """Have all members leave these groups, of whichever protocol; how many there were.

    Every broker is asked about every group: those that others coordinate, it does not know.

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    some = [
        tuple(groups[start : start + _DESCRIBED_AT_ONCE])
        for start in range(0, len(groups), _DESCRIBED_AT_ONCE)
    ]
    removed = 0
    for broker in asked.brokers:
        leaving = await _leaving_classic(asked, broker, some)
        if CONSUMER_GROUP_DESCRIBE in await asked.apis(broker):
            leaving += await _leaving_new(asked, broker, some)
        await asked.ask(broker, *(request for request, _ in leaving))
        removed += sum(members for _, members in leaving)
    return removed


async def _leaving_classic(asked: Inquiry, broker: int, groups: Groups) -> list[tuple[Any, int]]:
    """What members of classic groups would say, and of how many each."""
    describing = [
        DescribeGroupsRequest(groups=some, include_authorized_operations=False) for some in groups
    ]
    return [
        (
            LeaveGroupRequest(group_id=group.group_id, members=tuple(_identities(group))),
            len(group.members),
        )
        for answer in await asked.ask(broker, *describing)
        for group in answer.groups
        if group.members
    ]


async def _leaving_new(asked: Inquiry, broker: int, groups: Groups) -> list[tuple[Any, int]]:
    """The same of KIP-848 groups, of which a broker says nothing when it is asked for classic ones.

    A static member leaves for good, so that its instance id is free for whoever comes with it.
    """
    describing = [
        ConsumerGroupDescribeRequest(group_ids=some, include_authorized_operations=False)
        for some in groups
    ]
    return [
        (
            ConsumerGroupHeartbeatRequest(
                group_id=group.group_id,
                member_id=member.member_id,
                member_epoch=_LEAVES,
                topic_partitions=None,
            ),
            1,
        )
        for answer in await asked.ask(broker, *describing)
        for group in answer.groups
        for member in group.members
    ]


def _identities(group: Any) -> Iterator[MemberIdentity]:
    for member in group.members:
        yield MemberIdentity(member_id=member.member_id, group_instance_id=member.group_instance_id)
