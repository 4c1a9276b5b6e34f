"""A scope's open door: whether requests go through, to which cluster, and whose they are.

Carries out the orders of the node's state machine on every client connection of the scope.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from contract.records import Routing
from dataplane.node.machine import Command, Order


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
        self._closed_for_good = False
        self._upstreams_closed = upstreams_closed

    def is_at(self, epoch: int) -> bool:
        """Whether the scope is open, and in that epoch."""
        return self.is_open and self.routing is not None and self.routing.epoch == epoch

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
            self.cut += member.drop()
        for upstream in self.upstreams:
            upstream.abort()

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
        self.routing = routing
        self.is_open = True
        self.released_at = now
        for member in tuple(self.members):
            member.serve()

    def _fence(self, routing: Routing) -> None:
        self.routing = routing
        self.is_open = False
        self.cut = 0
        self.first_ack_ms = None
        for member in tuple(self.members):
            member.fence()
        self._tell_if_empty()

    def _tell_if_empty(self) -> None:
        if not self.is_open and not self.upstreams:
            self._upstreams_closed(self.name)
