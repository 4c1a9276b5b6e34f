"""A gateway node: production's machines and scope, and a shell that carries messages for them."""

import random
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from contract.records import Routing
from contract.session import ScopeReport
from dataplane.gateway.scope import Scope
from dataplane.node import machine
from dataplane.node.machine import NodeState, Order
from dataplane.relay.lease import Lease
from tests.simulation.clusters import Written
from tests.simulation.connections import (
    KILLED_STRAY_S,
    Asked,
    Connection,
    Forwarded,
    Tell,
    Upstream,
)
from tests.simulation.database import SCOPE, Joined, Known, Record, Report
from tests.simulation.timeline import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

REPORT_S: Final = 0.5
READ_S: Final = 0.5
TICK_S: Final = 0.4


Name: TypeAlias = tuple[str, int]
"""Of a connection: its writer's, and the how many-th of that it is."""


class Gateway(Process):
    """One node."""

    def __init__(self, world: "World", name: str, drift: float) -> None:
        """It has not started yet."""
        super().__init__(name, world.timeline, world.seed, drift)
        self.world = world
        self.dials = random.Random(f"{world.seed} {name} dials")

    def begin(self) -> None:
        """Start with nothing but a new incarnation."""
        self.state = NodeState()
        self.applied = 0
        self.known: dict[str, int] = {}
        self.lease = Lease()
        self.scope = Scope(SCOPE, lambda scope: self._take(machine.UpstreamsClosed(scope)))
        self.connections: dict[Name, Connection] = {}
        self.count = count()
        """Numbers what is kept in sets, so that a seed is always the same run."""
        self._events: deque[machine.Event] = deque()
        self._lease_s: float | None = None
        self._planes = list(self.world.planes)
        self.chance.shuffle(self._planes)
        self._answered = True
        self.every(REPORT_S, self._report)
        self.every(READ_S, self._read_topic)
        self.every(TICK_S, self._tick)

    # --- the log -----------------------------------------------------------------------------

    def _report(self) -> None:
        if not self._answered:
            self._planes.append(self._planes.pop(0))
        self._answered = False
        plane, sent_at, life = self._planes[0], self.clock(), self.life
        said = Report(life, self.applied, self._said(), 0.0)
        self.world.network.send(
            self.name,
            plane.name,
            lambda: plane.take(
                plane.life,
                lambda: plane.hear_report(self, said, lambda answer: self._told(sent_at, *answer)),
            ),
        )

    def _said(self) -> ScopeReport | None:
        standing = self.state.standing(SCOPE)
        if standing is None:
            return None
        routing = standing.routing
        return ScopeReport(
            phase=standing.phase,
            epoch=routing.epoch,
            term=routing.term,
            in_flight=sum(member.exchange.in_flight for member in self.scope.members),
            held=sum(member.exchange.waiting for member in self.scope.members),
            cut=self.scope.cut,
        )

    def _told(self, sent_at: float, granted: bool, lease: float, records: list[Record]) -> None:  # noqa: FBT001 - it is the answer
        self._answered = True
        self._lease_s = lease
        self._apply(records)
        if granted:
            self._take(machine.SessionGranted(sent_at, lease))

    def _read_topic(self) -> None:
        sent_at = self.clock()
        topic = self.world.topic
        self.world.network.ask(
            self, "topic", lambda: list(topic), lambda records: self._read(sent_at, records)
        )

    def _read(self, sent_at: float, records: list[Record]) -> None:
        self._apply(records)
        if self._lease_s is not None:
            self._take(machine.TopicRead(sent_at, self._lease_s))

    def _apply(self, records: list[Record]) -> None:
        for seq, record in records:
            if seq <= self.applied:
                continue
            self.applied = seq
            match record:
                case Routing():
                    standing = self.state.standing(SCOPE)
                    if standing is not None and record.epoch < standing.routing.epoch:
                        self.world.fail(f"{self.name} is told to go back to {record.cluster}")
                    self._take(machine.RoutingApplied(record))
                case Joined(node, life) if (node, life) == (self.name, self.life):
                    self._take(machine.Registered())
                case Known(last):
                    self.known = dict(last)
        if records and not self.state.replayed:
            self._take(machine.Replayed())

    # --- the machine -------------------------------------------------------------------------

    def _take(self, event: machine.Event) -> None:
        """As `follower` does: what happens while an event is taken in comes after it."""
        self._events.append(event)
        if len(self._events) > 1:
            return
        while self._events:
            self.state, commands = machine.handle(self.state, self._events[0], self.clock())
            self.lease.deadline = self.state.relay_deadline
            for command in commands:
                if command.order is Order.REPORT:
                    self._report()
                else:
                    self.scope.carry_out(command, self.clock())
            self._events.popleft()

    def tell_lapse(self) -> None:
        """A connection has seen that the lease is over."""
        self._take(machine.Ticked())

    def _tick(self) -> None:
        self._take(machine.Ticked())
        for connection in tuple(self.scope.members):
            if connection.exchange.waiting:
                connection.refuse_overdue()

    def kill(self) -> None:
        """Connections end with the process."""
        for upstream in self.scope.upstreams:
            upstream.close(KILLED_STRAY_S)
        super().kill()

    # --- writes ------------------------------------------------------------------------------

    def write(self, name: Name, written: Written, answer: Tell) -> None:
        """A client's write, on a connection that there is or that it has just opened."""
        connection = self.connections.get(name)
        if connection is None or connection.is_over:
            connection = self.connections[name] = Connection(self)
        if not connection.hung_up:
            connection.ask(written, answer)

    def hear_hanging_up(self, name: Name) -> None:
        """Whoever waits for an answer has given up, and ends the connection."""
        connection = self.connections.get(name)
        if connection is None:
            connection = self.connections[name] = Connection(self)
        connection.hung_up = True
        connection.hear_hanging_up()

    def forward(self, connection: Connection, upstream: Upstream, asked: Asked) -> None:
        """Bytes for a cluster, and its answer."""
        world, life, number = self.world, self.life, asked.number
        forwarded = Forwarded(asked.written, upstream.epoch)

        def land() -> None:
            if world.timeline.now > upstream.lands_until:
                return
            appended = world.append(upstream.cluster, forwarded)
            back = lambda: self.take(  # noqa: E731 - one way back
                life, lambda: connection.answered(upstream, number, appended)
            )
            world.network.send(upstream.cluster, self.name, back, reliable=True)

        world.network.send(self.name, upstream.cluster, land, reliable=True)
