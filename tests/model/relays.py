"""One client's relay as a value: production's machine and scope are made from it, and back.

A machine is mutable, and an explorer wants values. So each move makes the scope and the machines
of its clients from their values, has production decide, and takes down what came of it. A broker
connection is an object with the epoch in which it was dialled.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from contract.records import Routing
from dataplane.gateway.scope import Scope
from dataplane.relay.exchange import Exchange, Request
from dataplane.relay.lease import Lease
from dataplane.relay.machine import RELAY, Outcome, RelayMachine
from dataplane.relay.upstream_state import RelayOrder, UpstreamState
from dataplane.virtual.apis import APIS
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek

WRITE: Final = 0
READ: Final = 1
"""API keys of Produce and Fetch."""


class Asked(msgspec.Struct, frozen=True):
    """A request."""

    number: int
    key: int = WRITE


class Client(msgspec.Struct, frozen=True):
    """One client connection, and the broker connection behind it."""

    state: str = "absent"
    epoch: int | None = None
    """In which the broker connection was dialled, or is being dialled."""
    waiting: tuple[Asked, ...] = ()
    sent: tuple[Asked, ...] = ()
    """What its machine takes for being in flight."""
    wire: tuple[Asked, ...] = ()
    """What the broker is to answer next on this connection."""
    is_over: bool = False


class Door(msgspec.Struct, frozen=True):
    """A scope."""

    name: str
    is_open: bool = False
    epoch: int | None = None


class Broker:
    """A broker connection."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.is_open = True

    def abort(self) -> None:
        """As `Scope.drop` does it with whatever is left."""
        self.is_open = False


class Shell:
    """Carries out a machine's orders; satisfies `scope.Member`."""

    def __init__(
        self, client: Client, scope: Scope, lease: Lease, relay: type[RelayMachine[Any]]
    ) -> None:
        self.before = client
        self.exchange = Exchange()
        self.scope = scope
        self.dialled = client.epoch
        self.wire = list(client.wire)
        self.sent: list[tuple[Asked, int]] = []
        """With the epoch of the broker."""
        self.lost: list[Asked] = []
        self.lapsed = self.is_over = self.is_wrong = False
        for asked in (*client.sent, *client.waiting):
            self.exchange.ask(_request(asked))
        for _ in client.sent:
            request = self.exchange.next_waiting()
            assert request is not None
            self.exchange.sent(request)
        state = UpstreamState(client.state)
        broker = None
        if state in {UpstreamState.CONNECTED, UpstreamState.DRAINING}:
            assert client.epoch is not None
            broker = Broker(client.epoch)
            scope.upstreams.add(broker)
        self.machine = relay(self.exchange, scope, lease, state, broker)
        if not client.is_over:
            scope.members.add(self)

    def value(self) -> Client:
        """What has become of it."""
        if self.is_over:
            return Client(is_over=True, state="over")
        broker = self.machine.upstream
        state = self.machine.state
        return Client(
            state=state.value,
            epoch=broker.epoch if broker is not None else self.dialled,
            waiting=tuple(map(_asked, self.exchange.held())),
            sent=tuple(map(_asked, self.exchange._sent)),
            wire=tuple(self.wire) if broker is not None else (),
        )

    # --- what happens ----------------------------------------------------------------------------

    def ask(self, *asked: Asked) -> None:
        """The client asks something."""
        for one in asked:
            self.exchange.ask(_request(one))
        self.obey(self.machine.go_on(0))

    def opened(self) -> None:
        """The broker that was dialled is connected."""
        assert self.dialled is not None
        broker, self.dialled = Broker(self.dialled), None
        self.scope.upstreams.add(broker)
        self.obey(self.machine.upstream_opened(broker, broker.epoch, 0, wanted=True))

    def answered(self) -> Asked | None:
        """The broker answers what is next; what was relayed, if it was."""
        asked = self.wire.pop(0)
        outcome = self.machine.answers_came(self.machine.upstream, 0)
        relayed = None
        if outcome is RELAY:
            try:
                request = self.machine.request_of(asked.number)
            except MalformedFrameError:
                self.is_wrong = True
                return None
            request.answer = [b""]
            relayed = asked
            outcome = self.machine.answers_relayed(0)
        self.obey(outcome)
        return relayed

    def serve(self) -> None:
        """The scope is open."""
        self.obey(self.machine.served(0, wanted=True))

    def fence(self) -> None:
        """The scope is closed."""
        self.obey(self.machine.fenced(0))

    def drop(self) -> int:
        """Let go of the broker now."""
        outcome = self.machine.dropped()
        self.obey(outcome)
        return len(outcome.lost)

    # --- orders ----------------------------------------------------------------------------------

    def obey(self, outcome: Outcome[Any]) -> None:
        """Carry out what the machine orders."""
        for request in outcome.lost:
            self.lost.append(_asked(request))
            request.answer = [b""]
        for order in outcome.orders:
            self._carry_out(order, outcome)

    def _carry_out(self, order: RelayOrder, outcome: Outcome[Any]) -> None:
        match order:
            case RelayOrder.SEND:
                self._send_waiting()
            case RelayOrder.ANSWER:
                list(self.exchange.answered())
            case RelayOrder.DIAL:
                self.dialled = self.scope.epoch
            case RelayOrder.LET_GO | RelayOrder.ABORT:
                self.wire.clear()
                self.scope.upstream_closed(outcome.upstream)
            case RelayOrder.TELL_LAPSE:
                self.lapsed = True
            case RelayOrder.CUT_OFF:
                self.scope.cut_off(self)
            case RelayOrder.CLOSE | RelayOrder.HANG_UP:
                self.is_over = True

    def _send_waiting(self) -> None:
        broker = self.machine.upstream
        assert broker is not None
        while (request := self.exchange.next_waiting()) is not None:
            self.exchange.sent(request)
            self.wire.append(_asked(request))
            self.sent.append((_asked(request), broker.epoch))

    @property
    def forgets(self) -> bool:
        """Whether a request will never be answered: it neither waits nor is in flight."""
        unanswered = sum(request.answer is None for request in self.exchange._open)
        return unanswered != self.exchange.waiting + self.exchange.in_flight

    def lose_aborted(self) -> None:
        """A broker connection that the scope has aborted itself is gone."""
        broker = self.machine.upstream
        if broker is not None and not broker.is_open:
            self.wire.clear()
            self.scope.upstream_closed(broker)
            self.obey(self.machine.upstream_lost(broker))


class Stage:
    """One scope with its clients, for one move."""

    def __init__(
        self,
        door: Door,
        clients: Iterable[Client],
        deadline: float,
        relay: type[RelayMachine[Any]],
        scope: type[Scope],
    ) -> None:
        self.closed = False
        """Whether the scope said that it has no upstream left."""
        self.scope = scope(door.name, self._upstreams_closed)
        self.scope.is_open = door.is_open
        if door.epoch is not None:
            self.scope.routing = _routing(door.name, door.epoch)
        lease = Lease(deadline)
        self.shells = [Shell(client, self.scope, lease, relay) for client in clients]

    @property
    def door(self) -> Door:
        """The scope as it is now."""
        routing = self.scope.routing
        return Door(self.scope.name, self.scope.is_open, routing.epoch if routing else None)

    def values(self) -> tuple[Client, ...]:
        """The clients as they are now."""
        for shell in self.shells:
            shell.lose_aborted()
        return tuple(shell.value() for shell in self.shells)

    def _upstreams_closed(self, _: str) -> None:
        self.closed = True


def _routing(scope: str, epoch: int) -> Routing:
    return Routing(scope=scope, cluster=str(epoch), epoch=epoch, state="serving", term=0)


def _request(asked: Asked) -> Request:
    return Request(APIS[asked.key], Peek(asked.key, 4, asked.number), b"", 0)


def _asked(request: Request) -> Asked:
    return Asked(request.header.correlation_id, request.header.api_key)
