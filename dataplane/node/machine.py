"""When a node serves, fences, drains and stops: the node's half of the lockstep protocol.

Pure: `handle(state, event, now)` returns the next state and the commands for the shell.
`now` is the monotonic clock in seconds. One phase for each scope:

    replaying ──registered, lease──► serving ──fence──► draining ──upstreams closed──► drained
        │                              ▲  │                 │                             │
        │ fence                        │  └──lease lost──┐  └──────lease lost─────────────┤
        ▼                              │                 ▼                                │
     drained ◄────────────────────── lease ◄─────── self_fenced ◄──serve, but no lease────┤
                                       ▲                                                  │
                                       └───────────────────serve, and a lease─────────────┘

Rules of the switch protocol that live here: N1 (nothing before the replay is done and the own
registration was read back), N2 (serve only by routing and lease), N4 (a lease counts from when its
request was sent), N5 (after a gap, however short, the old connections are gone), N6 (drained means
no request and no connection left, and that comes before the lease from before the fence ends), N8
(an unreadable record stops the node).
"""

from enum import Enum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from contract.records import Routing
from contract.session import Phase

DRAIN_LIMIT = 5.0
"""Seconds that writes in flight get to be answered before their connections are cut."""

NEVER = float("-inf")


class RoutingApplied(Struct, frozen=True):
    """A routing record was read from either channel."""

    routing: Routing


class Replayed(Struct, frozen=True):
    """A channel was read to its head."""


class Registered(Struct, frozen=True):
    """The own registration, with this incarnation, was read back from a channel."""


class TopicRead(Struct, frozen=True):
    """The control topic was read to where its end was, asked for at `sent_at`."""

    sent_at: float
    lease: float
    """Seconds."""


class SessionGranted(Struct, frozen=True):
    """A control plane granted a lease on the request sent at `sent_at`."""

    sent_at: float
    lease: float
    """Seconds."""


class UpstreamsClosed(Struct, frozen=True):
    """The scope has no upstream connection left, so no request in flight either."""

    scope: str


class RecordUnreadable(Struct, frozen=True):
    """A control record of a newer release: what it says may be to stop."""

    reason: str


class Ticked(Struct, frozen=True):
    """Time has passed."""


Event: TypeAlias = (
    RoutingApplied
    | Replayed
    | Registered
    | TopicRead
    | SessionGranted
    | UpstreamsClosed
    | RecordUnreadable
    | Ticked
)


class Order(Enum):
    """What the gateway is told to do with a scope."""

    SERVE = "serve"
    """Connect to the routing's cluster, send what was held, go on. While it is quiescing, too: to
    the protocol that is serving."""
    FENCE = "fence"
    """Forward nothing more; close each upstream connection once its writes are answered."""
    CUT = "cut"
    """The drain limit has passed: close what is left, its outcome unknown."""
    DROP = "drop"
    """Close all upstream connections now, and relay nothing that still comes from them."""
    REPORT = "report"
    """Tell the control plane at once."""


class Command(Struct, frozen=True):
    """An order for one scope, with the routing that it follows from."""

    order: Order
    routing: Routing


class Standing(Struct, frozen=True):
    """Where the node stands in one scope."""

    routing: Routing
    phase: Phase = "replaying"
    epoch: int | None = None
    """In which the node served last: that of the upstream connections, if there are any. Another
    one than the routing's where records in between were overtaken by newer ones."""
    drain_by: float | None = None
    """Monotonic second at which draining turns into cutting."""


class NodeState(Struct, frozen=True):
    """All that decides whether the node serves."""

    replayed: bool = False
    registered: bool = False
    unreadable: str | None = None
    topic_lease: float = NEVER
    session_lease: float = NEVER
    standings: tuple[Standing, ...] = ()
    """One for each scope, ordered by scope."""

    @property
    def relay_deadline(self) -> float:
        """Monotonic second up to which answers may be relayed, whether or not a timer has fired.

        Not beyond a drain's end: a node that stalls there still holds a lease, as it knows the
        fence, but the coordinator has stopped waiting for it (C1).
        """
        drains = (s.drain_by for s in self.standings if s.drain_by is not None)
        return min((self.lease_deadline, *drains))

    @property
    def lease_deadline(self) -> float:
        """Monotonic second up to which the node may serve: the later of its two leases (N2)."""
        if self.unreadable is not None or not (self.replayed and self.registered):
            return NEVER
        return max(self.topic_lease, self.session_lease)

    def standing(self, scope: str) -> Standing | None:
        """The standing in a scope; None before its first routing record."""
        return next((s for s in self.standings if s.routing.scope == scope), None)


class Trigger(Enum):
    """What an event means to one scope."""

    FENCED = "the routing says fenced, in the epoch that the connections belong to"
    OVERTAKEN = "the routing says fenced, in another epoch"
    SERVED = "the routing does not say fenced, in the epoch that the connections belong to"
    MOVED = "the routing does not say fenced, in another epoch"
    LEASED = "the node holds a lease"
    LAPSED = "the node holds no lease"
    CLOSED = "the last upstream connection is closed"
    OVERDUE = "the drain limit has passed"


# (phase, trigger) -> (phase, orders). What is not listed changes nothing.
TRANSITIONS: dict[tuple[Phase, Trigger], tuple[Phase, tuple[Order, ...]]] = {
    ("replaying", Trigger.FENCED): ("drained", (Order.REPORT,)),
    ("replaying", Trigger.LEASED): ("serving", (Order.SERVE, Order.REPORT)),
    ("serving", Trigger.FENCED): ("draining", (Order.FENCE, Order.REPORT)),
    ("serving", Trigger.OVERTAKEN): ("drained", (Order.DROP, Order.REPORT)),
    ("serving", Trigger.SERVED): ("serving", (Order.SERVE, Order.REPORT)),
    ("serving", Trigger.MOVED): ("serving", (Order.DROP, Order.SERVE, Order.REPORT)),
    ("serving", Trigger.LAPSED): ("self_fenced", (Order.DROP, Order.REPORT)),
    ("draining", Trigger.OVERTAKEN): ("drained", (Order.DROP, Order.REPORT)),
    ("draining", Trigger.SERVED): ("serving", (Order.SERVE, Order.REPORT)),
    ("draining", Trigger.MOVED): ("serving", (Order.DROP, Order.SERVE, Order.REPORT)),
    ("draining", Trigger.CLOSED): ("drained", (Order.REPORT,)),
    ("draining", Trigger.OVERDUE): ("draining", (Order.CUT,)),
    ("draining", Trigger.LAPSED): ("drained", (Order.DROP, Order.REPORT)),
    ("drained", Trigger.FENCED): ("drained", (Order.REPORT,)),
    ("drained", Trigger.OVERTAKEN): ("drained", (Order.REPORT,)),
    ("drained", Trigger.SERVED): ("self_fenced", ()),
    ("drained", Trigger.MOVED): ("self_fenced", ()),
    ("self_fenced", Trigger.FENCED): ("drained", (Order.REPORT,)),
    ("self_fenced", Trigger.OVERTAKEN): ("drained", (Order.REPORT,)),
    ("self_fenced", Trigger.LEASED): ("serving", (Order.SERVE, Order.REPORT)),
}


def handle(state: NodeState, event: Event, now: float) -> tuple[NodeState, tuple[Command, ...]]:
    """Take one event in. The order is: what lapsed since the last event, the event, what it allows.

    So a lease that ran out and is renewed by this very event still costs the old connections (N5).
    """
    state, lapsed = _notice_time(state, now)
    state, caused = _take_in(state, event, now)
    state, allowed = _enter_service(state, now)
    return state, lapsed + caused + allowed


def is_serving(state: NodeState, scope: str, now: float) -> bool:
    """Whether a request may be forwarded or an answer relayed at this moment (N2, N3)."""
    standing = state.standing(scope)
    return standing is not None and standing.phase == "serving" and now < state.lease_deadline


def _notice_time(state: NodeState, now: float) -> tuple[NodeState, tuple[Command, ...]]:
    commands: tuple[Command, ...] = ()
    if now >= state.lease_deadline:
        state, commands = _trigger_all(state, Trigger.LAPSED, now)
    for standing in state.standings:
        if standing.drain_by is not None and now >= standing.drain_by:
            state, cut = _trigger(state, standing, Trigger.OVERDUE, now)
            commands += cut
    return state, commands


def _take_in(  # noqa: PLR0911 - one branch for each event
    state: NodeState, event: Event, now: float
) -> tuple[NodeState, tuple[Command, ...]]:
    match event:
        case RoutingApplied(routing):
            return _follow(state, routing, now)
        case Replayed():
            return replace(state, replayed=True), ()
        case Registered():
            return replace(state, registered=True), ()
        case TopicRead(sent_at, lease):
            return replace(state, topic_lease=max(state.topic_lease, sent_at + lease)), ()
        case SessionGranted(sent_at, lease):
            return replace(state, session_lease=max(state.session_lease, sent_at + lease)), ()
        case UpstreamsClosed(scope):
            standing = state.standing(scope)
            return _trigger(state, standing, Trigger.CLOSED, now) if standing else (state, ())
        case RecordUnreadable(reason):
            return _trigger_all(replace(state, unreadable=reason), Trigger.LAPSED, now)
        case Ticked():
            return state, ()


def _follow(
    state: NodeState, routing: Routing, now: float
) -> tuple[NodeState, tuple[Command, ...]]:
    """Follow a routing record; records come in the order of their `seq`."""
    known = state.standing(routing.scope)
    followed = replace(known, routing=routing) if known else Standing(routing)
    state = _with(state, followed)
    moved = followed.epoch not in {None, routing.epoch}
    if routing.state == "fenced":
        return _trigger(state, followed, Trigger.OVERTAKEN if moved else Trigger.FENCED, now)
    return _trigger(state, followed, Trigger.MOVED if moved else Trigger.SERVED, now)


def _enter_service(state: NodeState, now: float) -> tuple[NodeState, tuple[Command, ...]]:
    if now >= state.lease_deadline:
        return state, ()
    commands: tuple[Command, ...] = ()
    for standing in state.standings:
        if standing.routing.state != "fenced":
            state, entered = _trigger(state, standing, Trigger.LEASED, now)
            commands += entered
    return state, commands


def _trigger_all(
    state: NodeState, trigger: Trigger, now: float
) -> tuple[NodeState, tuple[Command, ...]]:
    commands: tuple[Command, ...] = ()
    for standing in state.standings:
        state, caused = _trigger(state, standing, trigger, now)
        commands += caused
    return state, commands


def _trigger(
    state: NodeState, standing: Standing, trigger: Trigger, now: float
) -> tuple[NodeState, tuple[Command, ...]]:
    phase, orders = TRANSITIONS.get((standing.phase, trigger), (standing.phase, ()))
    drain_by = standing.drain_by
    if phase != "draining" or trigger is Trigger.OVERDUE:
        drain_by = None
    elif standing.phase != "draining":
        # Not longer than by the lease from before the fence, which is what a coordinator waits out.
        drain_by = min(now + DRAIN_LIMIT, state.lease_deadline)
    epoch = standing.routing.epoch if Order.SERVE in orders else standing.epoch
    state = _with(state, replace(standing, phase=phase, epoch=epoch, drain_by=drain_by))
    return state, tuple(Command(order, standing.routing) for order in orders)


def _with(state: NodeState, standing: Standing) -> NodeState:
    others = [s for s in state.standings if s.routing.scope != standing.routing.scope]
    ordered = sorted([*others, standing], key=lambda s: s.routing.scope)
    return replace(state, standings=tuple(ordered))
