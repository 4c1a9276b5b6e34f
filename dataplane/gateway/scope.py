"""A scope's open door: whether requests go through, to which cluster, and whose they are.

Carries out the orders of the node's state machine on every client connection of the scope.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from contract.records import Routing
from contract.session import NAMED, Unrest
from dataplane.gateway.roster import SESSION_TIMEOUT, Roster
from dataplane.gateway.topics_under_way import TopicsUnderWay
from dataplane.gateway.transactions import OpenTransactions
from dataplane.node.machine import Command, Order
from dataplane.virtual.topics import CHANGE_TOPICS

WATCHED: Final = frozenset({8, 11, 12, 13, 14, 22, 24, 25, 26, 68}) | CHANGE_TOPICS
"""API keys of what members of groups say (OffsetCommit, JoinGroup, Heartbeat, LeaveGroup, SyncGroup
and ConsumerGroupHeartbeat), of where transactions begin and end (InitProducerId,
AddPartitionsToTxn, AddOffsetsToTxn and EndTxn), and of what changes topics (CreateTopics,
DeleteTopics and CreatePartitions)."""
WATCHED_QUIESCING: Final = WATCHED | {1}
"""With Fetch."""

REJOIN_LIMIT: Final = 5.0
"""Seconds for which consumers get no records after a switch, while cooperative members join."""


class Member(Protocol):
    """A client connection, as its scope sees it."""

    def serve(self) -> None:
        """Go on: connect to the scope's cluster if need be, and send what waits."""

    def fence(self) -> None:
        """Send nothing more; let go of the upstream connection once its writes are answered."""

    def drop(self) -> int:
        """Let go of the upstream connection now; how many writes were in flight on it."""
        ...


class Scope:
    """One scope on this node."""

    def __init__(self, name: str, upstreams_closed: Callable[[str], None]) -> None:
        """Start closed; `upstreams_closed` is called when a closed scope has no upstream left."""
        self.name = name
        self.routing: Routing | None = None
        self.is_open = False
        self.members: set[Member] = set()
        self.released_at: float | None = None
        """Monotonic second of the newest release, until the first write after it is answered."""
        self.first_ack_ms: float | None = None
        self.cut = 0
        """Writes in flight whose outcome stayed unknown, in the present term."""
        self.upstreams: set[asyncio.Transport] = set()
        """Connections to brokers, those included that only have to send their last bytes."""
        self.roster = Roster()
        self.transactions = OpenTransactions()
        self.topics_under_way = TopicsUnderWay()
        self.watched = WATCHED
        """API keys of requests and answers that are looked at on their way."""
        self.quiescing_since: float | None = None
        """Monotonic second from which on clients are to come to rest; None: they are not."""
        self.unsure_until = 0.0
        """Monotonic second up to which members of KIP-848 groups may come that another node has
        told to hold nothing."""
        self._withholds_records = False
        self._rejoin_until = 0.0
        """Monotonic second up to which members that are to join anew are waited for."""
        self._was_quiescing = False
        """Whether the scope is not served again yet, or was not, since it began to quiesce."""
        self._closed_for_good = False
        self._upstreams_closed = upstreams_closed

    def is_at(self, epoch: int) -> bool:
        """Whether the scope is open, and in that epoch."""
        return self.is_open and self.routing is not None and self.routing.epoch == epoch

    @property
    def gives_no_records(self) -> bool:
        """Whether consumers get nothing, although the scope is served."""
        return self.is_quiescing or self._withholds_records or self.roster.to_come_back > 0

    @property
    def epoch(self) -> int:
        """Of the newest routing."""
        return self.routing.epoch if self.routing is not None else 0

    @property
    def is_quiescing(self) -> bool:
        """Whether clients are to come to rest."""
        return self.quiescing_since is not None

    @property
    def holds_transactions(self) -> bool:
        """Whether what would begin a transaction has to wait for the end of a switch."""
        return self.is_open and self.routing is not None and self.routing.holds_transactions

    def unrest(self, now: float) -> Unrest | None:
        """What has not come to rest yet; None if it is not asked to."""
        if not self.is_quiescing:
            return None
        members, transactions = self.roster.restless(now), self.transactions.all(now)
        return Unrest(
            members=len(members),
            cooperative=self.roster.cooperative_at_rest(now),
            member_names=tuple(f"{group} {member}" for group, member in members[:NAMED]),
            transactions=len(transactions),
            transaction_names=tuple(transactions[:NAMED]),
            topics=self.topics_under_way.total,
        )

    def carry_out(self, command: Command, now: float) -> None:
        """Do what the state machine says."""
        match command.order:
            case Order.SERVE:
                self._serve(command.routing, now)
            case Order.FENCE:
                self._fence(command.routing)
            case Order.CUT | Order.DROP:
                self.drop()
            case Order.REPORT:
                pass

    def close(self) -> None:
        """Fence for good: the node stops."""
        self._closed_for_good = True
        self.is_open = False
        for member in tuple(self.members):
            member.fence()

    def drop(self) -> None:
        """Let go of all brokers now, whatever they still owe or have not taken."""
        self.is_open = False
        for member in tuple(self.members):
            self.cut_off(member)
        for upstream in self.upstreams:
            upstream.abort()

    def cut_off(self, member: Member) -> None:
        """Let go of the broker of one member now."""
        self.cut += member.drop()

    def upstream_opened(self, upstream: asyncio.Transport) -> None:
        """A member has connected to a broker."""
        self.upstreams.add(upstream)

    def upstream_closed(self, upstream: asyncio.Transport) -> None:
        """That connection is gone, its last byte sent."""
        self.upstreams.discard(upstream)
        self._tell_if_empty()

    def write_acknowledged(self, now: float) -> None:
        """The cluster acknowledged a write; the first one after a release is worth a note."""
        if self.released_at is not None:
            self.first_ack_ms = (now - self.released_at) * 1000
            self.released_at = None

    def _serve(self, routing: Routing, now: float) -> None:
        if self._closed_for_good:
            return
        moved = routing.epoch != self.epoch
        if self._was_quiescing and routing.state != "quiescing":
            self._was_quiescing = False
            self.unsure_until = now + SESSION_TIMEOUT
        if moved:
            self.roster.begin_anew()
            self.transactions.begin_anew()
            self._rejoin_until = now + REJOIN_LIMIT
        self._withholds_records = routing.withholds_records and now < self._rejoin_until
        self.routing = routing
        if self.is_open and self.is_quiescing and routing.state == "quiescing":
            return  # what is parked stays so
        if moved or not self.is_open:
            self.released_at = now
        self.is_open = True
        if routing.state != "quiescing":
            self._quiesce_since(None)  # before a member takes its requests up again
        elif not self.is_quiescing:
            self._quiesce_since(now)
        for member in tuple(self.members):
            member.serve()

    def wait_no_longer(self, now: float) -> None:
        """Give records again when members that were to join anew had their time."""
        waits = self._withholds_records or self.roster.to_come_back > 0
        if waits and now >= self._rejoin_until:
            self.roster.give_up_waiting()
            self._withholds_records = False
            self.watch()

    def _fence(self, routing: Routing) -> None:
        self.routing = routing
        self.is_open = False
        self._quiesce_since(None)
        self.cut = 0
        self.first_ack_ms = None
        for member in tuple(self.members):
            member.fence()
        self._tell_if_empty()

    def _quiesce_since(self, at: float | None) -> None:
        self._was_quiescing |= at is not None
        self.quiescing_since = at
        self.watch()

    def watch(self) -> None:
        """Look at Fetch as well, or no more."""
        self.watched = WATCHED_QUIESCING if self.gives_no_records else WATCHED

    def _tell_if_empty(self) -> None:
        if not self.is_open and not self.upstreams:
            self._upstreams_closed(self.name)
