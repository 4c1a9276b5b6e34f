"""What a scope that is quiescing does to the requests of one client connection.

Consumers are led to commit on the old cluster and to wait for the new one, by what any rebalance
does to them: no more records, a Heartbeat that says REBALANCE_IN_PROGRESS, and a JoinGroup whose
answer takes its time. That JoinGroup is **parked**: taken out of the line, so that a commit behind
it on the same connection still reaches the old cluster. (Its answer waits behind that of JoinGroup,
as with a broker.) Fetch is answered without records once it has waited for as long as the client
said, because a client may send its heartbeats behind it, on the same connection.

What creates, grows or deletes a topic is parked as well: a mirror takes its time to follow, and
what is the last to be made has to be on the new cluster when it serves.

Once groups are at rest, or their time is up, transactions are held as well: those that are open go
on and end on the old cluster, and what would begin a new one is parked, and begins it on the new
cluster.
"""

from collections import deque
from datetime import timedelta
from typing import Final, NamedTuple

from dataplane.gateway.frames import Frame
from dataplane.gateway.heartbeats import Heartbeats
from dataplane.gateway.inventory import Sighted
from dataplane.gateway.refusing import Refusing
from dataplane.gateway.tenant import Tenant
from dataplane.relay.exchange import Exchange, Request
from dataplane.virtual.empty_fetch import empty_fetch
from dataplane.virtual.heads import (
    ADD_OFFSETS_TO_TXN,
    ADD_PARTITIONS_TO_TXN,
    CONSUMER_GROUP_HEARTBEAT,
    END_TXN,
    FETCH,
    HEARTBEAT,
    INIT_PRODUCER_ID,
    JOIN_GROUP,
    OFFSET_COMMIT,
    PRODUCE,
    SYNC_GROUP,
    Membership,
    error_after_throttle,
    membership,
    transactional_id,
)
from dataplane.virtual.messages import decode_request, decode_response
from dataplane.virtual.refusals import refusal
from dataplane.virtual.topics import CHANGE_TOPICS

LEAVE_GROUP: Final = 13
NONE: Final = 0
ILLEGAL_GENERATION: Final = 22
UNKNOWN_MEMBER_ID: Final = 25
REBALANCE_IN_PROGRESS: Final = 27
MEMBER_ID_REQUIRED: Final = 79

_PROMISES_SINCE: Final = 4
"""Version of JoinGroup from which on a new member is given its id first."""

_TOO_EARLY: Final = {HEARTBEAT: NONE, OFFSET_COMMIT: REBALANCE_IN_PROGRESS}
"""What a member hears that speaks before it has joined. The cluster does not know it yet and would
say so; librdkafka then drops the member id that it was promised (KIP-394) and asks for another one.
The cluster waits for the first until its session is over, 45 s, and the group with it."""

_BEGINS_TRANSACTION: Final = frozenset({ADD_PARTITIONS_TO_TXN, ADD_OFFSETS_TO_TXN})
_ENDS_TRANSACTION: Final = frozenset({INIT_PRODUCER_ID, END_TXN})
_NOT_ENDED: Final = frozenset({14, 15, 16, 51})
"""With these errors of its coordinator a producer tries again: COORDINATOR_LOAD_IN_PROGRESS,
COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR and CONCURRENT_TRANSACTIONS."""

EAGER_ASSIGNORS: Final = frozenset({"range", "roundrobin", "sticky"})
"""Whoever offers one of these gives up all partitions before it joins, and commits before that."""

PARKING_LIMIT: Final = 25.0
"""Seconds that a JoinGroup, what begins a transaction and what changes topics may be parked: of all
clients' limits the lowest is 30 s (aiokafka)."""


_IN_ORDER: Final = frozenset({PRODUCE, OFFSET_COMMIT})
"""What is not to come before an older one of its kind."""

LOOKUP_LIMIT: Final = 5.0
"""Seconds that a request may wait for what a cluster tells of topics."""


class _Parked(NamedTuple):
    request: Request
    until: float
    """Monotonic second at which it is answered, if nothing has happened before."""
    epoch: int
    is_member: bool
    """Whether it is the JoinGroup of a member, which the next cluster will not know."""


class Parking:
    """The parked requests of one connection, in the order in which they came."""

    def __init__(
        self, exchange: Exchange, refusing: Refusing, tenant: Tenant, connection: Sighted
    ) -> None:
        """Share the connection's requests; `connection` is who speaks on it."""
        self._exchange = exchange
        self._refusing = refusing
        self._tenant = tenant
        self._scope = tenant.scope
        self._connection = connection
        self._heartbeats = Heartbeats(self._scope, refusing, connection)
        self._parked: deque[_Parked] = deque()
        self.holds_writes = False
        """Whether any of them is a write, whose topics are being looked up."""

    def __len__(self) -> int:
        return len(self._parked)

    def discard(self) -> None:
        """The client is gone."""
        self._parked.clear()
        self.holds_writes = False

    def takes(  # noqa: PLR0911 - one line for each kind of request
        self, request: Request, now: float
    ) -> bool:
        """Whether a watched request does not go to a broker now: it is parked, or answered.

        Raises:
            MalformedFrameError: it cannot be read.
        """
        match request.api.key:
            case key if key == CONSUMER_GROUP_HEARTBEAT:
                return self._heartbeats.takes(request, self._membership(request), now)
            case key if key == FETCH:
                longest = decode_request(request.frame).body.max_wait
                self._park(request, now + longest / timedelta(seconds=1))
                return True
            case key if key == LEAVE_GROUP:
                self._leave(request)
                return False
            case key if key in _BEGINS_TRANSACTION:
                return self._waits_to_begin(request, now)
            case key if key in _ENDS_TRANSACTION:
                return False
            case key if key in CHANGE_TOPICS:
                return self._waits_to_change_topics(request)
            case key:
                return self._heed(key, request, now)

    def looks_up(self, request: Request, now: float) -> None:
        """Have a request wait until its cluster has told something about topics."""
        self._park(request, now + LOOKUP_LIMIT)

    def follows_a_lookup(self, request: Request, now: float) -> bool:
        """Whether a commit or a write waits for one before it, which waits itself.

        They go on together.
        """
        key = request.api.key
        follows = any(parked.request.api.key == key for parked in self._parked)
        if follows:
            self.looks_up(request, now)
        return follows

    def take_back(self, request: Request, now: float) -> bool:
        """Have a request go on that has waited; whether it still does."""
        found = next((parked for parked in self._parked if parked.request is request), None)
        if found is None:
            return False
        key = request.api.key
        together = (
            [parked for parked in self._parked if parked.request.api.key == key]
            if key in _IN_ORDER
            else [found]
        )
        for parked in together:
            self._parked.remove(parked)
        self.holds_writes &= key != PRODUCE
        self._exchange.again([parked.request for parked in together], now)
        return True

    def instead_of(self, answer: Frame, request: Request, now: float) -> bytes | None:
        """The answer to a watched request that a client gets instead of a broker's, if any.

        Raises:
            MalformedFrameError: the broker's cannot be read.
        """
        match request.api.key:
            case key if key == FETCH:
                return empty_fetch(request.frame)
            case key if key == CONSUMER_GROUP_HEARTBEAT:
                return self._heartbeats.instead_of(answer, request, self._membership(request))
            case key if key == HEARTBEAT and self._calls(request, now):
                return self._called(request, answer)
            case key if key == JOIN_GROUP:
                self._note_promise(request, answer)
            case key if key == SYNC_GROUP and self._scope.roster.to_come_back:
                self._note_return(request, answer)
            case key if key in _ENDS_TRANSACTION:
                if error_after_throttle(key, request.header.version, answer) not in _NOT_ENDED:
                    self._scope.transactions.ended(self._physical(transactional_id(request.frame)))
        return None

    def release(self, now: float) -> None:
        """The scope serves: what was parked goes on, but for members that the cluster knows not."""
        going_on = []
        for parked in self._parked:
            if parked.is_member and parked.epoch != self._scope.epoch:
                self._refusing.refuse(parked.request, UNKNOWN_MEMBER_ID)
            else:
                going_on.append(parked.request)
        self._parked.clear()
        self.holds_writes = False
        self._exchange.again(going_on, now)

    def answer_overdue(self, now: float) -> None:
        """Answer what has been parked for as long as its client can wait."""
        overdue = [parked for parked in self._parked if now >= parked.until]
        # Those that wait for one of them wait for nothing else.
        kinds = {parked.request.api.key for parked in overdue} & _IN_ORDER
        overdue += [
            parked
            for parked in self._parked
            if parked.request.api.key in kinds and now < parked.until
        ]
        for parked in overdue:
            self._parked.remove(parked)
            self.holds_writes = any(other.request.api.key == PRODUCE for other in self._parked)
            if parked.request.api.key == FETCH:
                parked.request.answer = [empty_fetch(parked.request.frame)]
            else:
                self._refusing.put_off(parked.request, parked.request.api.busy_error)

    def _heed(self, key: int, request: Request, now: float) -> bool:
        said = self._membership(request)
        if key in _TOO_EARLY and self._scope.roster.is_about_to_join(said, self._scope.epoch):
            self._refusing.refuse(request, _TOO_EARLY[key])
            return True
        if key == OFFSET_COMMIT and self._is_stale(said):
            self._refusing.refuse(request, ILLEGAL_GENERATION)
            return True
        self._scope.roster.note(key, said, self._connection, self._scope.epoch, now)
        self._connection.sighting.is_in(said.group)
        if key != JOIN_GROUP or not self._scope.is_quiescing:
            return False
        if not self._scope.roster.is_at_rest(said):
            return False  # a rebalance that was under way: it has to end first
        self._park(request, request.received_at + PARKING_LIMIT, is_member=bool(said.member))
        return True

    def _called(self, request: Request, answer: Frame) -> bytes | None:
        """Have a member join again, if its cluster knows it."""
        if decode_response(HEARTBEAT, request.header.version, answer).error_code != 0:
            return None
        self._scope.roster.called(self._membership(request))
        return refusal(request.frame, REBALANCE_IN_PROGRESS)

    def _note_return(self, request: Request, answer: Frame) -> None:
        """Remember that a member has got its partitions."""
        if decode_response(SYNC_GROUP, request.header.version, answer).error_code == 0:
            self._scope.roster.is_back(self._membership(request).group)
            self._scope.watch()

    def _note_promise(self, request: Request, answer: Frame) -> None:
        """Remember to whom the cluster has given an id, for it to join with."""
        version = request.header.version
        if version < _PROMISES_SINCE:
            return
        if error_after_throttle(JOIN_GROUP, version, answer) == MEMBER_ID_REQUIRED:
            member = decode_response(JOIN_GROUP, version, answer).member_id
            self._scope.roster.promised(self._membership(request).group, member, self._connection)

    def _waits_to_begin(self, request: Request, now: float) -> bool:
        """Whether it would begin a transaction while those that are open are waited for."""
        transaction = self._physical(transactional_id(request.frame))
        if self._scope.holds_transactions and not self._scope.transactions.has(transaction, now):
            self._park(request, request.received_at + PARKING_LIMIT)
            return True
        self._scope.transactions.began(transaction, self._connection)
        return False

    def _waits_to_change_topics(self, request: Request) -> bool:
        """Whether topics are to stay as they are until the switch is over."""
        if self._scope.is_quiescing:
            self._park(request, request.received_at + PARKING_LIMIT)
            return True
        self._scope.topics_under_way.asked(self._connection, request)
        return False

    def _membership(self, request: Request) -> Membership:
        said = membership(request.frame)
        said = said._replace(group=self._physical(said.group))
        if request.api.key != JOIN_GROUP:
            return said
        assignors = {protocol.name for protocol in decode_request(request.frame).body.protocols}
        return said._replace(
            is_cooperative=bool(assignors) and assignors.isdisjoint(EAGER_ASSIGNORS)
        )

    def _calls(self, request: Request, now: float) -> bool:
        """Whether a member is asked to join again."""
        since, roster = self._scope.quiescing_since, self._scope.roster
        return since is not None and roster.may_be_called(self._membership(request), since, now)

    def _is_stale(self, said: Membership) -> bool:
        """Whether a position of the cluster before would be committed.

        Whoever was a member there and is none here yet may commit as if it had never been in a
        group: aiokafka does.
        """
        if said.member or said.generation >= 0:
            return False
        roster, epoch = self._scope.roster, self._scope.epoch
        return roster.is_of_older_epoch(said.group, self._connection, epoch)

    def _leave(self, request: Request) -> None:
        body = decode_request(request.frame).body
        leaving = body.members if hasattr(body, "members") else (body,)
        for member in leaving:
            self._scope.roster.left(self._physical(body.group_id), member.member_id)

    def _park(self, request: Request, until: float, *, is_member: bool = False) -> None:
        self.holds_writes |= request.api.key == PRODUCE
        self._parked.append(_Parked(request, until, self._scope.epoch, is_member))

    def _physical(self, name: str) -> str:
        return self._tenant.vcluster.name + name
