"""Ends memberships in groups of a cluster that clients are not served by.

Consumers never leave the cluster that a switch takes them from: its groups keep their members until
the session timeout, 45 seconds by default. Until then it takes no positions from anybody else, so a
switch back within that time would begin where the groups were before.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from kio.schema.describe_groups.v5.request import DescribeGroupsRequest
from kio.schema.leave_group.v4.request import LeaveGroupRequest, MemberIdentity
from kio.schema.types import GroupId

from controlplane.probes.groups import coordinators
from upstream.inquiry import Inquiry


async def end_memberships(cluster: Inquiry, groups: Collection[str]) -> None:
    """Have all members leave. A live one, past the gateway, comes back by itself.

    Args:
        cluster: one that serves none of our clients.
        groups: physical ids.

    Raises:
        InquiryError: the cluster does not answer, or is not ready yet.
    """
    asked: dict[int, list[Any]] = {
        broker: [_describe(some)] for broker, some in (await coordinators(cluster, groups)).items()
    }
    leaving: dict[int, list[Any]] = defaultdict(list)
    brokers = {id(request): broker for broker, requests in asked.items() for request in requests}
    for request, answer in await cluster.ask_each(asked):
        for group in answer.groups:
            members = tuple(
                MemberIdentity(
                    member_id=member.member_id, group_instance_id=member.group_instance_id
                )
                for member in group.members
            )
            if members:
                leave = LeaveGroupRequest(group_id=group.group_id, members=members)
                leaving[brokers[id(request)]].append(leave)
    await cluster.ask_each(leaving)


def _describe(groups: Collection[str]) -> DescribeGroupsRequest:
    ids = tuple(GroupId(group) for group in groups)
    return DescribeGroupsRequest(groups=ids, include_authorized_operations=False)
