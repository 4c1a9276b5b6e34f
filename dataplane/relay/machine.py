"""Between one client and its broker, as a machine: what happens goes in, orders come out.

It holds the client's requests (`Exchange`), asks the scope's door and the node's lease, and decides
what is sent, what is relayed, and when a broker connection is made or let go. It moves no bytes and
knows no clock: `now` is an argument, in monotonic seconds. The broker connection is a handle to it,
known by its identity alone.

Rules of the switch protocol that live here, each a method that decides nothing else: N2
(`may_send`), N3 (`may_relay`), the epoch of a broker connection (`is_of_use`), N6 (`is_drained`).
That an answer which came too late costs the connection is a line of the table (`upstream_state`).
"""

from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from mypy_extensions import mypyc_attr

from dataplane.relay.exchange import Exchange, Request
from dataplane.relay.lease import Lease
from dataplane.relay.upstream_state import (
    HOLDS_ONE,
    TRANSITIONS,
    RelayOrder,
    Transitions,
    UpstreamEvent,
    UpstreamState,
    after,
)
from dataplane.virtual.topics import CHANGE_TOPICS
from dataplane.wire.errors import MalformedFrameError

U = TypeVar("U")
"""Whatever stands for a broker connection."""


class Door(Protocol):
    """The scope, as far as the way through it goes."""

    is_open: bool

    def is_at(self, epoch: int) -> bool:
        """Whether it is open, and in that epoch."""
        ...


class Outcome(NamedTuple, Generic[U]):
    """What is to be done, in this order."""

    orders: tuple[RelayOrder, ...] = ()
    upstream: U | None = None
    """The broker connection to let go of or to abort, of which the machine knows nothing more."""
    lost: tuple[Request, ...] = ()
    """Writes of which nobody knows whether they happened; where a broker connection is handed over,
    what it is to answer first."""
    reason: str = ""
    """Why the client connection ends."""

    def then(self, later: "Outcome[U]") -> "Outcome[U]":
        """This, and after it what brings nothing but orders."""
        return self._replace(orders=self.orders + later.orders)


# Asked for each read: in Python 3.11 to look a member up in its class is a call of its own.
_ABSENT: Final = UpstreamState.ABSENT
_CONNECTED: Final = UpstreamState.CONNECTED
_DRAINING: Final = UpstreamState.DRAINING

NOTHING: Final[Outcome[Any]] = Outcome()
RELAY: Final[Outcome[Any]] = Outcome((RelayOrder.RELAY,))
ANSWER: Final[Outcome[Any]] = Outcome((RelayOrder.ANSWER,))
SEND: Final[Outcome[Any]] = Outcome((RelayOrder.SEND, RelayOrder.ANSWER))
HANG_UP: Final[Outcome[Any]] = Outcome((RelayOrder.HANG_UP,))


@mypyc_attr(allow_interpreted_subclasses=True)  # tests take its rules away, one by one
class RelayMachine(Generic[U]):
    """Decides for one client that has logged in."""

    transitions: ClassVar[Transitions] = TRANSITIONS

    def __init__(
        self,
        exchange: Exchange,
        door: Door,
        lease: Lease,
        state: UpstreamState = UpstreamState.ABSENT,
        upstream: U | None = None,
    ) -> None:
        """Share the client's requests, the scope's door and the node's lease."""
        self.exchange = exchange
        self.door = door
        self.lease = lease
        self.state = state
        self.upstream = upstream
        """The broker connection; None where the state has none."""
        self.is_muted = False
        """Whether the client is to be slowed down: nothing of it is sent."""
        self.broker_slow = False
        """Whether the broker does not take requests as fast as they come."""

    @property
    def holds_back(self) -> bool:
        """Whether the client is not to be read: what it has sent cannot go on, or is enough."""
        return self.broker_slow or self.is_muted or self.exchange.waiting > 0

    # --- rules ---------------------------------------------------------------------------------

    def may_send(self, now: float) -> bool:
        """Whether requests may go to the broker (N2)."""
        return (
            self.state is _CONNECTED
            and not self.is_muted
            and self.door.is_open
            and now < self.lease.deadline
        )

    def may_relay(self, now: float) -> bool:
        """Whether answers may go to the client (N3)."""
        return now < self.lease.deadline

    def is_of_use(self, epoch: int) -> bool:
        """Whether a broker that was connected in an epoch of the scope is still the one to ask."""
        return self.door.is_at(epoch)

    @property
    def is_drained(self) -> bool:
        """Whether the broker connection may go: nothing is in flight that must not come twice."""
        return self.exchange.writes_in_flight == 0

    # --- the client ----------------------------------------------------------------------------

    def go_on(self, now: float) -> Outcome[U]:
        """Requests came, or what kept them has ended."""
        if self.exchange.waiting:
            if self.may_send(now):
                return SEND
            if self._needs_broker(now):
                return self._take(UpstreamEvent.NEEDED).then(ANSWER)
        return ANSWER

    def ended(self) -> Outcome[U]:
        """The client is gone; what its broker did to topics is still to be told (`lost`)."""
        owed = self.exchange.sent_up_to(CHANGE_TOPICS) if self.state in HOLDS_ONE else []
        if not owed:
            return self._take(UpstreamEvent.ENDED)
        return self._take(UpstreamEvent.LEFT)._replace(lost=tuple(owed))

    # --- the broker ----------------------------------------------------------------------------

    def upstream_opened(self, upstream: U, epoch: int, now: float, *, wanted: bool) -> Outcome[U]:
        """A broker is connected that serves the scope in that epoch; `wanted`: by its client."""
        if wanted and self.is_of_use(epoch):
            self.upstream = upstream
            return self._take(UpstreamEvent.OPENED).then(self.go_on(now))
        in_vain = self._take(UpstreamEvent.OPENED_IN_VAIN)
        return in_vain._replace(upstream=upstream).then(self.go_on(now))

    def dial_abandoned(self, now: float) -> Outcome[U]:
        """The scope was closed while a broker was being dialled: ask again when it opens."""
        return self._take(UpstreamEvent.ABANDONED).then(self.go_on(now))

    def dial_failed(self, reason: str) -> Outcome[U]:
        """No broker can be reached: end the client connection, as the dead broker itself would."""
        return self._take(UpstreamEvent.FAILED)._replace(reason=reason)

    def answers_came(self, upstream: U, now: float) -> Outcome[U]:
        """A broker has answered: `RELAY`, unless that is not to reach the client any more."""
        if upstream is not self.upstream:
            return NOTHING
        if not self.may_relay(now):
            return self._take(UpstreamEvent.LATE)
        return RELAY

    def request_of(self, correlation_id: int) -> Request:
        """The request that the broker's next answer is for.

        Raises:
            MalformedFrameError: it is an answer to another one, or to none.
        """
        request = self.exchange.next_sent()
        if request is None or request.header.correlation_id != correlation_id:
            raise MalformedFrameError(f"correlation id {correlation_id} was not asked for")
        return request

    def answers_relayed(self, now: float) -> Outcome[U]:
        """What a broker has answered was handed on."""
        return self._rest(now) if self.state is _DRAINING else self.go_on(now)

    def upstream_writable(self, upstream: U, *, writable: bool) -> Outcome[U]:
        """A broker takes requests faster, or slower, than they are written."""
        if upstream is not self.upstream:
            return NOTHING
        self.broker_slow = not writable
        return ANSWER

    def upstream_lost(self, upstream: U) -> Outcome[U]:
        """A broker connection is gone. If nobody meant it to, the client's goes too."""
        if upstream is not self.upstream:
            return NOTHING
        lost = self._take(UpstreamEvent.LOST)
        return lost._replace(reason="the broker closed its connection")

    def session_expires(self, now: float) -> Outcome[U]:
        """The broker connection has to be exchanged, as soon as no write is in flight."""
        return self._take(UpstreamEvent.EXPIRED).then(self._rest(now))

    # --- the scope -----------------------------------------------------------------------------

    def served(self, now: float, *, wanted: bool) -> Outcome[U]:
        """The scope is open: send what waits; `wanted`: anybody waits for it."""
        if not wanted:
            return HANG_UP
        return self._take(UpstreamEvent.SERVED).then(self.go_on(now))

    def fenced(self, now: float) -> Outcome[U]:
        """The scope is closed: let go of the broker once the writes that it has are answered."""
        fenced = self._take(UpstreamEvent.FENCED)
        return fenced.then(self._rest(now)) if self.state is _DRAINING else fenced

    def dropped(self) -> Outcome[U]:
        """Let go of the broker at once; the writes that it has have an unknown outcome."""
        dropped = self._take(UpstreamEvent.DROPPED)
        if not dropped.orders:
            return NOTHING
        return dropped._replace(lost=tuple(self.exchange.recall())).then(ANSWER)

    # --- inside --------------------------------------------------------------------------------

    def _needs_broker(self, now: float) -> bool:
        return self.state is _ABSENT and self.door.is_open and now < self.lease.deadline

    def _rest(self, now: float) -> Outcome[U]:
        """Let go of the broker if no write is in flight on it; what it has besides comes again."""
        if not self.is_drained:
            return ANSWER
        drained = self._take(UpstreamEvent.DRAINED)
        self.exchange.recall()
        return drained.then(self.go_on(now))

    def _take(self, event: UpstreamEvent) -> Outcome[U]:
        """Go on by the table; forget the broker connection where the next state has none."""
        self.state, orders = after(self.state, event, self.transitions)
        upstream = self.upstream
        if self.state not in HOLDS_ONE:
            self.upstream = None
            self.broker_slow = False
        return Outcome(orders, upstream)
