"""A writer's connection to a gateway and a broker's behind it: production's machine, no sockets."""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from dataplane.relay.exchange import Exchange, Request
from dataplane.relay.machine import RELAY, Outcome
from dataplane.relay.upstream_state import RelayOrder
from dataplane.virtual.apis import APIS
from dataplane.wire.header import Peek
from tests.simulation.clusters import Outcome as Appended
from tests.simulation.clusters import Written

if TYPE_CHECKING:
    from tests.simulation.gateways import Gateway

HOLD_S: Final = 3.0
"""How long a write is held at most, before its client hears that it must try again."""
STRAY_S: Final = 0.8
"""How much later bytes of a connection that was cut may still be appended at most."""
KILLED_STRAY_S: Final = 0.08
"""The same when the kernel has sent them on at once: the process was killed, or has let go."""
DIAL_S: Final = (0.001, 0.01)
DIAL_PAUSE_S: Final = 0.2
PRODUCE: Final = 0
WRITTEN: Final = b"written"
NOT_WRITTEN: Final = b"try again"

Tell = Callable[[bool], None]
"""Whether it was written: to whoever waits for that."""


class Forwarded(NamedTuple):
    """A write that was sent to a cluster."""

    written: Written
    epoch: int


class Asked(NamedTuple):
    """A write on its way through a gateway."""

    number: int
    """The correlation id of its request."""
    written: Written
    tell: Tell


class Upstream:
    """A connection to a cluster."""

    def __init__(self, connection: "Connection", cluster: str, epoch: int) -> None:
        self.cluster = cluster
        self.epoch = epoch
        self.lands_until = inf
        """By the true time: what is on its way later is not appended."""
        self._connection = connection
        self._place = next(connection.gateway.count)

    def __hash__(self) -> int:
        return self._place

    def abort(self) -> None:
        """Close it: what was sent may be appended all the same, unheard of."""
        self.close(STRAY_S)

    def close(self, stray: float) -> None:
        """Close it; for so long what was sent may still be appended."""
        if self.lands_until == inf:
            gateway = self._connection.gateway
            self.lands_until = gateway.world.timeline.now + stray
            gateway.after(0.0, lambda: self._connection.upstream_closed(self))


class Connection:
    """Satisfies `scope.Member`."""

    def __init__(self, gateway: "Gateway") -> None:
        """A client has logged in."""
        self.gateway = gateway
        self.exchange = Exchange()
        relay = gateway.world.flaws.relay
        self.machine = relay(self.exchange, gateway.scope, gateway.lease)
        self.hung_up = False
        """The client has: the kernel knows it, whether or not anybody reads."""
        self.is_over = False
        self._asked: dict[int, Asked] = {}
        """By number, what is not answered yet."""
        self._number = 0
        self._place = next(gateway.count)
        gateway.scope.members.add(self)

    def __hash__(self) -> int:
        return self._place

    # --- what the client does --------------------------------------------------------------------

    def ask(self, written: Written, tell: Tell) -> None:
        """A write has come."""
        self._number += 1
        self._asked[self._number] = Asked(self._number, written, tell)
        header, now = Peek(PRODUCE, 9, self._number), self.gateway.clock()
        self.exchange.ask(Request(APIS[PRODUCE], header, b"", now))
        self._obey(self.machine.go_on(now))

    def hear_hanging_up(self) -> None:
        """The client is gone, which nobody hears while nothing is read."""
        if self.gateway.world.flaws.hangs_up and not self.machine.holds_back:
            self.end()

    def end(self) -> None:
        """The connection is over; who still waits sees that."""
        if self.is_over:
            return
        self.is_over = True
        self.gateway.scope.members.discard(self)
        self._obey(self.machine.ended())
        for asked in tuple(self._asked.values()):
            if not self.hung_up:
                asked.tell(False)

    def refuse_overdue(self) -> None:
        """Answer what was held for too long."""
        for request in self.exchange.overdue(self.gateway.clock() - HOLD_S):
            request.answer = [NOT_WRITTEN]
        self._send_answers()

    # --- what the scope orders -------------------------------------------------------------------

    def serve(self) -> None:
        """The scope is open."""
        wanted = not (self.hung_up and self.gateway.world.flaws.hangs_up and self.exchange.waiting)
        self._obey(self.machine.served(self.gateway.clock(), wanted=wanted))

    def fence(self) -> None:
        """The scope is closed."""
        self._obey(self.machine.fenced(self.gateway.clock()))

    def drop(self) -> int:
        """Let go of the broker now; how many writes were in flight on it."""
        outcome = self.machine.dropped()
        self._obey(outcome)
        return len(outcome.lost)

    # --- what the broker does --------------------------------------------------------------------

    def upstream_opened(self, upstream: Upstream) -> None:
        """A broker is connected."""
        self.gateway.scope.upstreams.add(upstream)
        now, wanted = self.gateway.clock(), not self.is_over
        self._obey(self.machine.upstream_opened(upstream, upstream.epoch, now, wanted=wanted))

    def upstream_closed(self, upstream: Upstream) -> None:
        """Its last byte was sent, and it is gone."""
        self.gateway.scope.upstream_closed(upstream)
        self._obey(self.machine.upstream_lost(upstream))

    def answered(self, upstream: Upstream, number: int, appended: Appended) -> None:
        """A broker's answer has come."""
        outcome = self.machine.answers_came(upstream, self.gateway.clock())
        if outcome is RELAY:
            request = self.machine.request_of(number)
            is_written = appended != "out of order"
            if is_written:
                forwarded = Forwarded(self._asked[number].written, upstream.epoch)
                self.gateway.world.acknowledged(forwarded)
            request.answer = [WRITTEN if is_written else NOT_WRITTEN]
            outcome = self.machine.answers_relayed(self.gateway.clock())
        self._obey(outcome)

    # --- the machine's orders --------------------------------------------------------------------

    def _obey(self, outcome: Outcome) -> None:
        for request in outcome.lost:
            request.answer = [NOT_WRITTEN]
        for order in outcome.orders:
            self._carry_out(order, outcome.upstream)

    def _carry_out(self, order: RelayOrder, upstream: Upstream | None) -> None:
        match order:
            case RelayOrder.SEND:
                self._send_waiting()
            case RelayOrder.ANSWER:
                self._send_answers()
            case RelayOrder.DIAL:
                self._dial(self.gateway.clock() + HOLD_S)
            case RelayOrder.LET_GO:
                upstream.close(KILLED_STRAY_S)
            case RelayOrder.ABORT:
                upstream.abort()
            case RelayOrder.TELL_LAPSE:
                self.gateway.tell_lapse()
            case RelayOrder.CUT_OFF:
                self.gateway.scope.cut_off(self)
            case RelayOrder.CLOSE | RelayOrder.HANG_UP:
                self.gateway.after(0.0, self.end)

    def _send_waiting(self) -> None:
        world, upstream = self.gateway.world, self.machine.upstream
        while (request := self.exchange.next_waiting()) is not None:
            asked = self._asked[request.header.correlation_id]
            known = self.gateway.known.get(asked.written.writer, -1)
            if asked.written.number <= known and world.flaws.known:
                request.answer = [WRITTEN]
                continue
            self.exchange.sent(request)
            self.gateway.forward(self, upstream, asked)

    def _send_answers(self) -> None:
        for request in self.exchange.answered():
            asked = self._asked.pop(request.header.correlation_id)
            asked.tell(request.answer == [WRITTEN])

    def _dial(self, give_up_at: float) -> None:
        gateway = self.gateway
        if self.is_over:
            return
        if not gateway.scope.is_open:
            self._obey(self.machine.dial_abandoned(gateway.clock()))
            return
        routing = gateway.scope.routing
        if routing.cluster not in gateway.world.network.down:
            upstream = Upstream(self, routing.cluster, routing.epoch)
            gateway.after(
                gateway.dials.uniform(0.001, 0.01), lambda: self.upstream_opened(upstream)
            )
        elif gateway.clock() < give_up_at:
            gateway.after(DIAL_PAUSE_S, lambda: self._dial(give_up_at))
        else:
            self._obey(self.machine.dial_failed("no broker can be reached"))
