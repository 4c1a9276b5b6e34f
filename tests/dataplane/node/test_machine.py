"""The node's half of the lockstep protocol."""

from hypothesis import given
from hypothesis import strategies as st

from contract.records import Routing
from dataplane.node.machine import (
    DRAIN_LIMIT,
    Event,
    NodeState,
    Order,
    RecordUnreadable,
    Registered,
    Replayed,
    RoutingApplied,
    SessionGranted,
    Ticked,
    TopicRead,
    UpstreamsClosed,
    handle,
    is_serving,
)

LEASE = 5.0


def _routing(epoch: int = 0, *, fenced: bool = False, term: int = 0) -> RoutingApplied:
    cluster = "main" if epoch % 2 == 0 else "failover"
    state = "fenced" if fenced else "serving"
    return RoutingApplied(
        Routing(scope="main", cluster=cluster, epoch=epoch, state=state, term=term)
    )


class Playbook:
    """Feeds events to a node and keeps the orders of the last one."""

    def __init__(self) -> None:
        self.state = NodeState()
        self.now = 0.0
        self.orders: list[Order] = []

    def __call__(self, event: Event, *, at: float | None = None) -> list[Order]:
        self.now = self.now if at is None else at
        self.state, commands = handle(self.state, event, self.now)
        self.orders = [command.order for command in commands]
        return self.orders

    @property
    def phase(self) -> str:
        standing = self.state.standing("main")
        assert standing is not None
        return standing.phase

    @property
    def serves(self) -> bool:
        return is_serving(self.state, "main", self.now)


def _serving() -> Playbook:
    node = Playbook()
    node(_routing())
    node(Replayed())
    node(Registered())
    node(SessionGranted(sent_at=0.0, lease=LEASE))
    assert node.phase == "serving"
    return node


def test_nothing_is_served_before_replay_registration_and_lease() -> None:
    node = Playbook()
    assert node(_routing()) == []
    assert node(SessionGranted(sent_at=0.0, lease=LEASE)) == []
    assert node(Replayed()) == []
    assert not node.serves
    assert node(Registered()) == [Order.SERVE, Order.REPORT]
    assert node.serves


def test_a_fence_drains_and_the_last_connection_ends_it() -> None:
    node = _serving()
    assert node(_routing(fenced=True, term=7)) == [Order.FENCE, Order.REPORT]
    assert (node.phase, node.serves) == ("draining", False)
    assert node(UpstreamsClosed("main")) == [Order.REPORT]
    assert node.phase == "drained"


def test_a_commit_serves_the_other_cluster() -> None:
    node = _serving()
    node(_routing(fenced=True, term=7))
    node(UpstreamsClosed("main"))
    assert node(_routing(1, term=7)) == [Order.SERVE, Order.REPORT]
    assert node.serves


def test_an_abort_while_draining_keeps_the_connections() -> None:
    node = _serving()
    node(_routing(fenced=True, term=7))
    assert node(_routing(term=7)) == [Order.SERVE, Order.REPORT]


def test_a_commit_while_draining_drops_the_old_connections_first() -> None:
    node = _serving()
    node(_routing(fenced=True, term=7))
    assert node(_routing(1, term=7)) == [Order.DROP, Order.SERVE, Order.REPORT]


def test_a_commit_whose_fence_was_compacted_away_drops_the_old_connections() -> None:
    node = _serving()
    assert node(_routing(1, term=7)) == [Order.DROP, Order.SERVE, Order.REPORT]


def test_the_drain_limit_cuts_once() -> None:
    node = _serving()
    node(SessionGranted(sent_at=2.0, lease=LEASE), at=2.0)
    node(_routing(fenced=True, term=7), at=2.0)
    node(SessionGranted(sent_at=4.0, lease=LEASE), at=4.0)
    assert node(Ticked(), at=2.0 + DRAIN_LIMIT) == [Order.CUT]
    assert node(Ticked(), at=2.1 + DRAIN_LIMIT) == []
    assert node(UpstreamsClosed("main")) == [Order.REPORT]


def test_a_drain_ends_with_the_lease_from_before_the_fence() -> None:
    """The coordinator waits out that lease, not the ones that a node gets for knowing the fence."""
    node = _serving()
    node(_routing(fenced=True, term=7), at=3.0)
    node(TopicRead(sent_at=3.0, lease=LEASE), at=3.0)
    assert node.state.lease_deadline == 3.0 + LEASE
    assert node.state.relay_deadline == LEASE
    assert node(Ticked(), at=LEASE) == [Order.CUT]


def test_a_lease_counts_from_when_it_was_asked_for() -> None:
    node = _serving()
    node(SessionGranted(sent_at=1.0, lease=LEASE), at=4.0)
    assert node.state.lease_deadline == 6.0


def test_either_channel_is_enough() -> None:
    node = _serving()
    node(TopicRead(sent_at=4.0, lease=LEASE), at=4.0)
    node(Ticked(), at=8.0)
    assert node.serves


def test_a_lapsed_lease_drops_the_connections() -> None:
    node = _serving()
    assert node(Ticked(), at=LEASE) == [Order.DROP, Order.REPORT]
    assert node.phase == "self_fenced"


def test_a_gap_however_short_costs_the_connections_even_if_a_grant_ends_it() -> None:
    node = _serving()
    orders = node(SessionGranted(sent_at=5.0, lease=LEASE), at=5.0)
    assert orders == [Order.DROP, Order.REPORT, Order.SERVE, Order.REPORT]


def test_a_fence_that_arrives_while_the_node_is_self_fenced_is_a_drain() -> None:
    node = _serving()
    node(Ticked(), at=LEASE)
    assert node(_routing(fenced=True, term=7)) == [Order.REPORT]
    assert node.phase == "drained"


def test_a_fence_of_another_epoch_costs_the_connections() -> None:
    """What came in between was overtaken by it: they lead to a cluster that serves no more."""
    node = _serving()
    assert node(_routing(1, fenced=True)) == [Order.DROP, Order.REPORT]
    assert node.phase == "drained"
    assert node(_routing(1)) == [Order.SERVE, Order.REPORT]


def test_a_drain_that_is_overtaken_costs_the_connections() -> None:
    node = _serving()
    node(_routing(fenced=True))
    assert node(_routing(1, fenced=True)) == [Order.DROP, Order.REPORT]
    assert node.phase == "drained"


def test_a_lease_alone_does_not_open_a_fenced_scope() -> None:
    node = _serving()
    node(_routing(fenced=True, term=7))
    node(UpstreamsClosed("main"))
    assert node(SessionGranted(sent_at=1.0, lease=LEASE), at=1.0) == []
    assert not node.serves


def test_an_unreadable_record_stops_the_node_for_good() -> None:
    node = _serving()
    assert node(RecordUnreadable("layout 2")) == [Order.DROP, Order.REPORT]
    assert node(SessionGranted(sent_at=1.0, lease=LEASE), at=1.0) == []
    assert not node.serves


_events = st.one_of(
    st.builds(_routing, st.integers(0, 3), fenced=st.booleans(), term=st.integers(0, 3)),
    st.just(Replayed()),
    st.just(Registered()),
    st.just(Ticked()),
    st.just(UpstreamsClosed("main")),
    st.builds(SessionGranted, st.floats(-5, 0), st.just(LEASE)),
    st.builds(TopicRead, st.floats(-5, 0), st.just(LEASE)),
)


@given(st.lists(st.tuples(_events, st.floats(0, 4)), max_size=30))
def test_whatever_happens_serving_follows_routing_and_lease(
    history: list[tuple[Event, float]],
) -> None:
    node = Playbook()
    is_open = False
    attached: str | None = None
    for happened, pause in history:
        now = node.now + pause
        event = happened
        if isinstance(event, SessionGranted | TopicRead):
            event = type(event)(now + event.sent_at, event.lease)
        if isinstance(event, UpstreamsClosed) and not is_open:
            attached = None
        _, commands = handle(node.state, event, now)
        node(event, at=now)
        for command in commands:
            if command.order is Order.SERVE:
                assert attached in {None, command.routing.cluster}, "old connections are left"
                is_open, attached = True, command.routing.cluster
            elif command.order is Order.DROP:
                is_open, attached = False, None
            elif command.order is Order.FENCE:
                is_open = False
        if node.serves:
            assert is_open
            assert node.state.standings[0].routing.state == "serving"
        if node.state.standings and node.phase == "serving":
            assert now < node.state.lease_deadline
