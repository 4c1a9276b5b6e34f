"""What a switch does to the members of KIP-848 groups, whose coordinator tells them what to hold.

While a scope is quiescing, the gateway tells a member in the coordinator's place to hold nothing:
it commits, gives its partitions up, and says so with its next heartbeat. From then on it is at
rest. Wherever the scope is served afterwards, the member is told that its epoch is over, joins
anew, and goes on from what it has committed: on the cluster before as on the next one, since of
what it was told in between neither knows.
"""

from datetime import timedelta
from typing import Any, Final

from dataplane.gateway.frames import Frame
from dataplane.gateway.inventory import Sighted
from dataplane.gateway.refusing import Refusing
from dataplane.gateway.scope import Scope
from dataplane.relay.exchange import Request
from dataplane.virtual.heads import CONSUMER_GROUP_HEARTBEAT, Membership
from dataplane.virtual.messages import (
    blank,
    decode_request,
    decode_response,
    encode_response,
)
from dataplane.virtual.refusals import refusal
from dataplane.wire.schema import entity_of, struct_of

GROUP_ID_NOT_FOUND: Final = 69
FENCED_MEMBER_EPOCH: Final = 110

JOINS: Final = 0
"""The member epoch of one that is to join; below it leaves."""

_INTERVAL: Final = timedelta(seconds=1)
"""Until the next heartbeat of a member that is at rest: it comes back as soon as it may."""


class Heartbeats:
    """The ConsumerGroupHeartbeats of one client connection."""

    def __init__(self, scope: Scope, refusing: Refusing, connection: Sighted) -> None:
        """`connection` is who speaks on it."""
        self._scope = scope
        self._roster = scope.roster
        self._refusing = refusing
        self._connection = connection

    def takes(self, request: Request, said: Membership, now: float) -> bool:
        """Whether a heartbeat does not go to a broker: the gateway has answered it.

        Raises:
            MalformedFrameError: it cannot be read.
        """
        if said.generation < JOINS:
            self._roster.left(said.group, said.member)
            return False
        if said.generation > JOINS and self._has_to_join_anew(said, now):
            self._roster.left(said.group, said.member)
            self._refusing.refuse(request, FENCED_MEMBER_EPOCH)
            return True
        epoch = self._scope.epoch
        self._roster.note(CONSUMER_GROUP_HEARTBEAT, said, self._connection, epoch, now)
        self._connection.sighting.is_in(said.group)
        since = self._scope.quiescing_since
        if since is None:
            return False
        if said.generation == JOINS:
            self._refusing.put_off(request, request.api.busy_error)
            return True
        if not self._roster.may_be_called(said, since, now):
            return False
        request.answer = [self._told_to_hold_nothing(request, said)]
        return True

    def instead_of(self, answer: Frame, request: Request, said: Membership) -> bytes | None:
        """What a member gets in the place of its coordinator's answer, if anything.

        Raises:
            MalformedFrameError: the broker's cannot be read.
        """
        told = decode_response(CONSUMER_GROUP_HEARTBEAT, request.header.version, answer)
        if told.error_code == GROUP_ID_NOT_FOUND and said.generation > JOINS:
            # To a client that is the end; the group came with its offsets alone.
            return refusal(request.frame, FENCED_MEMBER_EPOCH)
        if told.error_code == 0 and told.assignment is not None:
            holds = bool(told.assignment.topic_partitions)
            self._roster.given(said._replace(member=told.member_id), holds=holds)
        return None

    def _has_to_join_anew(self, said: Membership, now: float) -> bool:
        """Whether what it holds is not what a cluster says: it was told to hold nothing, or moved.

        Who was told so by another node is not known here; that may be anybody for a while.
        """
        if self._scope.is_quiescing:
            return False
        if not self._roster.knows(said):
            return now < self._scope.unsure_until
        return self._roster.has_to_join_anew(said, self._scope.epoch)

    def _told_to_hold_nothing(self, request: Request, said: Membership) -> bytes:
        owned = decode_request(request.frame).body.topic_partitions
        if owned is not None and (owned or not self._roster.is_about_to_hold(said)):
            self._roster.given(said, holds=bool(owned))
        self._roster.called(said)
        entity = entity_of(CONSUMER_GROUP_HEARTBEAT, request.header.version, "response")
        return encode_response(
            request.header,
            blank(
                entity,
                member_id=said.member,
                member_epoch=said.generation,
                heartbeat_interval=_INTERVAL,
                assignment=None if self._roster.is_at_rest(said) else _nothing(entity),
            ),
        )


def _nothing(entity: type[Any]) -> Any:
    """An assignment without partitions."""
    struct = next(field.struct for field in struct_of(entity).fields if field.name == "assignment")
    if struct is None:
        raise TypeError(f"the assignment in {entity.__name__} is no struct")
    return blank(struct.entity)
