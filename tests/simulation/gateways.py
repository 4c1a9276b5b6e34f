"""A gateway node: production's machine, and a shell that holds, forwards and relays writes."""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from contract.records import Routing
from contract.session import ScopeReport
from dataplane.node import machine
from dataplane.node.machine import Command, NodeState, Order
from tests.simulation.clusters import Outcome, Written
from tests.simulation.database import SCOPE, Joined, Known, Record, Report
from tests.simulation.timeline import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

REPORT_S: Final = 0.5
READ_S: Final = 0.5
TICK_S: Final = 0.4
HOLD_S: Final = 3.0
"""How long a write is held at most, before its client hears that it must try again."""
STRAY_S: Final = 0.8
"""How much later bytes of a connection that was cut may still be appended at most."""
KILLED_STRAY_S: Final = 0.08
"""The same when the process was killed: the kernel sent them on at once."""


class Forwarded(NamedTuple):
    """A write that was sent to a cluster."""

    written: Written
    epoch: int
    answer: Callable[[bool], None]


class Gateway(Process):
    """One node."""

    def __init__(self, world: "World", name: str, drift: float) -> None:
        """It has not started yet."""
        super().__init__(name, world.timeline, world.seed, drift)
        self._world = world
        self._connection = 0
        self._lands_until: dict[int, float] = {}
        """Up to when the bytes of each connection that is gone are appended, by the true time."""

    def begin(self) -> None:
        """Start with nothing but a new incarnation."""
        self.state = NodeState()
        self.applied = 0
        self.known: dict[str, int] = {}
        self._lease_s: float | None = None
        self._planes = list(self._world.planes)
        self.chance.shuffle(self._planes)
        self._in_flight: dict[int, Forwarded] = {}
        self._held: list[tuple[Written, Callable[[bool], None], float]] = []
        self._sent = self._lost = 0
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
        self._world.network.send(
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
            in_flight=len(self._in_flight),
            held=len(self._held),
            cut=self._lost,
        )

    def _told(self, sent_at: float, granted: bool, lease: float, records: list[Record]) -> None:  # noqa: FBT001 - it is the answer
        self._answered = True
        self._lease_s = lease
        self._apply(records)
        if granted:
            self._take(machine.SessionGranted(sent_at, lease))

    def _read_topic(self) -> None:
        sent_at = self.clock()
        topic = self._world.topic
        self._world.network.ask(
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
                        self._world.fail(f"{self.name} is told to go back to {record.cluster}")
                    self._take(machine.RoutingApplied(record))
                case Joined(node, life) if (node, life) == (self.name, self.life):
                    self._take(machine.Registered())
                case Known(last):
                    self.known = dict(last)
        if records and not self.state.replayed:
            self._take(machine.Replayed())

    # --- the machine -------------------------------------------------------------------------

    def _take(self, event: machine.Event) -> None:
        self.state, commands = machine.handle(self.state, event, self.clock())
        for command in commands:
            self._carry_out(command)

    def _tick(self) -> None:
        self._take(machine.Ticked())
        overdue = [held for held in self._held if self.clock() >= held[2]]
        self._held = [held for held in self._held if held not in overdue]
        for _, answer, _ in overdue:
            answer(False)

    def _carry_out(self, command: Command) -> None:
        match command.order:
            case Order.SERVE:
                held, self._held = self._held, []
                for written, answer, until in held:
                    self._write(written, answer, until)
            case Order.FENCE:
                self._lost = 0
                self._close_if_empty()
            case Order.CUT | Order.DROP:
                self._cut()
                self._close_if_empty()
            case Order.REPORT:
                self._report()

    def _cut(self) -> None:
        """Close the connection: what was sent may be appended all the same, unheard of."""
        self._close(STRAY_S)
        self._lost += len(self._in_flight)
        lost, self._in_flight = self._in_flight, {}
        for forwarded in lost.values():
            forwarded.answer(False)

    def _close_if_empty(self) -> None:
        standing = self.state.standing(SCOPE)
        if standing is not None and standing.phase == "draining" and not self._in_flight:
            self._take(machine.UpstreamsClosed(SCOPE))

    def kill(self) -> None:
        """Connections end with the process."""
        self._close(KILLED_STRAY_S)
        super().kill()

    def _close(self, stray: float) -> None:
        self._lands_until[self._connection] = self._world.timeline.now + stray
        self._connection += 1

    # --- writes ------------------------------------------------------------------------------

    def write(self, written: Written, answer: Callable[[bool], None]) -> None:
        """A client's write: hold it, answer it, or send it on."""
        self._write(written, answer, self.clock() + HOLD_S)

    def hear_hanging_up(self, answer: Callable[[bool], None]) -> None:
        """Whoever waits for an answer has given up: what is held for it is not sent any more."""
        if self._world.flaws.hangs_up:
            self._held = [held for held in self._held if held[1] is not answer]

    def _write(self, written: Written, answer: Callable[[bool], None], until: float) -> None:
        if not machine.is_serving(self.state, SCOPE, self.clock()):
            self._held.append((written, answer, until))
            return
        if written.number <= self.known.get(written.writer, -1) and self._world.flaws.known:
            answer(True)
            return
        standing = self.state.standing(SCOPE)
        assert standing is not None
        self._forward(Forwarded(written, standing.routing.epoch, answer), standing.routing.cluster)

    def _forward(self, forwarded: Forwarded, cluster: str) -> None:
        self._sent += 1
        number, connection, life = self._sent, self._connection, self.life
        self._in_flight[number] = forwarded
        network = self._world.network

        def land() -> None:
            if self._world.timeline.now > self._lands_until.get(connection, inf):
                return
            outcome = self._world.append(cluster, forwarded)
            back = lambda: self.take(life, lambda: self._relay(number, connection, outcome))  # noqa: E731
            network.send(cluster, self.name, back, reliable=True)

        network.send(self.name, cluster, land, reliable=True)

    def _relay(self, number: int, connection: int, outcome: Outcome) -> None:
        if connection != self._connection:
            return
        if self.clock() >= self.state.relay_deadline:  # N3
            self._take(machine.Ticked())
            return
        forwarded = self._in_flight.pop(number)
        if outcome != "out of order":
            self._world.acknowledged(forwarded)
        forwarded.answer(outcome != "out of order")
        self._close_if_empty()
