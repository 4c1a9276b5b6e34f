"""One client and its broker: what is sent, what is relayed, when the broker connection goes."""

import random
from typing import Any

import pytest

from dataplane.relay.exchange import Exchange, Request
from dataplane.relay.lease import Lease
from dataplane.relay.machine import ANSWER, HANG_UP, NOTHING, RELAY, SEND, RelayMachine
from dataplane.relay.upstream_state import HOLDS_ONE, RelayOrder, UpstreamState
from dataplane.virtual.apis import APIS
from dataplane.virtual.topics import DELETE_TOPICS
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek

PRODUCE, FETCH = 0, 1
LEASE = 10.0


class OpenDoor:
    """A scope's, in an epoch."""

    def __init__(self) -> None:
        self.is_open = True
        self.epoch = 0

    def is_at(self, epoch: int) -> bool:
        return self.is_open and epoch == self.epoch


class Connected:
    """A machine with a broker, `"b"`, and what it has to do with."""

    def __init__(self, *keys: int) -> None:
        self.exchange, self.door, self.lease = Exchange(), OpenDoor(), Lease(LEASE)
        self.machine: RelayMachine[Any] = RelayMachine(self.exchange, self.door, self.lease)
        self.ask(*keys or (FETCH,))
        assert self.machine.go_on(0.0).orders == (RelayOrder.DIAL, RelayOrder.ANSWER)
        opened = self.machine.upstream_opened("b", 0, 0.0, wanted=True)
        assert opened.orders == (RelayOrder.PACE, *SEND.orders)
        self.send()
        if not keys:
            self.machine.request_of(0)

    def ask(self, *keys: int) -> None:
        for key in keys:
            api = APIS[key]
            self.exchange.ask(Request(api, Peek(key, 4, self.exchange.depth), b"", 0.0))

    def send(self) -> None:
        while (request := self.exchange.next_waiting()) is not None:
            self.exchange.sent(request)


def test_a_request_is_sent_while_the_door_is_open_and_the_lease_lasts():
    it = Connected()
    it.ask(PRODUCE)
    assert it.machine.go_on(LEASE - 1) is SEND
    assert it.machine.go_on(LEASE) is ANSWER
    it.door.is_open = False
    assert it.machine.go_on(0.0) is ANSWER
    assert it.machine.holds_back


def test_nothing_is_sent_of_a_muted_client():
    it = Connected()
    it.ask(PRODUCE)
    it.machine.is_muted = True
    assert it.machine.go_on(0.0) is ANSWER


def test_a_fence_waits_for_writes_alone():
    it = Connected(FETCH, PRODUCE, FETCH)
    it.door.is_open = False
    assert RelayOrder.LET_GO not in it.machine.fenced(0.0).orders
    it.machine.request_of(0)
    assert RelayOrder.LET_GO not in it.machine.answers_relayed(0.0).orders
    it.machine.request_of(1)
    drained = it.machine.answers_relayed(0.0)
    assert RelayOrder.LET_GO in drained.orders
    assert drained.upstream == "b"
    assert it.machine.upstream is None
    assert it.exchange.waiting == 1
    assert it.exchange.in_flight == 0


def test_an_aborted_switch_keeps_the_broker():
    it = Connected(PRODUCE)
    it.machine.fenced(0.0)
    assert it.machine.served(0.0, wanted=True).orders == (RelayOrder.PACE, RelayOrder.ANSWER)
    assert it.machine.state is UpstreamState.CONNECTED


def test_what_comes_when_the_lease_is_over_reaches_nobody_and_costs_the_connection():
    it = Connected(PRODUCE)
    assert it.machine.answers_came("b", LEASE - 1) is RELAY
    late = it.machine.answers_came("b", LEASE)
    assert late.orders == (RelayOrder.TELL_LAPSE, RelayOrder.CUT_OFF)
    dropped = it.machine.dropped()
    assert [request.header.api_key for request in dropped.lost] == [PRODUCE]
    assert dropped.orders == (RelayOrder.ABORT, RelayOrder.PUT_OFF, RelayOrder.ANSWER)
    assert it.machine.answers_came("b", 0.0) is NOTHING


def test_a_drop_has_reads_sent_again_and_no_write():
    it = Connected(FETCH, PRODUCE, FETCH)
    assert len(it.machine.dropped().lost) == 1
    assert [request.api.key for request in it.exchange.held()] == [FETCH, FETCH]
    assert it.machine.go_on(0.0).orders == (RelayOrder.DIAL, RelayOrder.ANSWER)


def test_a_broker_of_an_epoch_that_is_over_is_of_no_use():
    it = Connected(FETCH)
    it.machine.dropped()
    it.machine.go_on(0.0)
    it.door.epoch = 1
    in_vain = it.machine.upstream_opened("c", 0, 0.0, wanted=True)
    assert in_vain.orders == (RelayOrder.ABORT, RelayOrder.DIAL, RelayOrder.ANSWER)
    assert in_vain.upstream == "c"
    assert it.machine.upstream is None


def test_an_answer_belongs_to_the_oldest_request():
    it = Connected(FETCH, PRODUCE)
    assert it.machine.request_of(0).api.key == FETCH
    with pytest.raises(MalformedFrameError, match="correlation id 7 was not asked for"):
        it.machine.request_of(7)


def test_a_session_that_ends_is_exchanged_between_two_writes():
    it = Connected(PRODUCE)
    assert it.machine.session_expires(0.0).orders == (RelayOrder.PACE, RelayOrder.ANSWER)
    it.ask(PRODUCE)
    assert it.machine.go_on(0.0) is ANSWER
    it.machine.request_of(0)
    exchanged = it.machine.answers_relayed(0.0)
    assert exchanged.orders == (RelayOrder.LET_GO, RelayOrder.DIAL, RelayOrder.ANSWER)


def test_a_broker_that_closes_ends_the_client():
    it = Connected()
    closed = it.machine.upstream_lost("b")
    assert (closed.orders, closed.reason) == (
        (RelayOrder.CLOSE,),
        "the broker closed its connection",
    )
    assert it.machine.upstream_lost("b") is NOTHING


def test_what_nobody_waits_for_is_not_sent():
    it = Connected()
    it.ask(PRODUCE)
    assert it.machine.served(0.0, wanted=False) is HANG_UP


def test_a_slow_broker_holds_the_client_back_and_takes_that_with_it():
    it = Connected()
    it.machine.upstream_writable("b", writable=False)
    assert it.machine.holds_back
    it.machine.dropped()
    assert not it.machine.holds_back


def _happen(it: Connected, chance: random.Random, now: float) -> list[Any]:
    """Something that can happen to a relay now; what comes of it."""
    machine = it.machine
    dialling = machine.state in {UpstreamState.DIALLING, UpstreamState.OVER}
    upstream = machine.upstream
    events = [lambda: machine.go_on(now), lambda: machine.answers_relayed(now)]
    if machine.state is not UpstreamState.OVER:
        wanted = chance.random() < 0.9
        events += [lambda: machine.served(now, wanted=wanted), lambda: machine.fenced(now)]
        events += [machine.dropped, machine.ended] if chance.random() < 0.3 else []
    if dialling:
        there = machine.state is UpstreamState.DIALLING and chance.random() < 0.9
        epoch = chance.randint(0, 1)
        events += [lambda: machine.upstream_opened(object(), epoch, now, wanted=there)]
        events += [lambda: machine.dial_abandoned(now), lambda: machine.dial_failed("no")]
    if upstream is not None:
        events += [lambda: machine.session_expires(now), lambda: machine.upstream_lost(upstream)]
        events += [lambda: machine.answers_came(upstream, now)]
    return [chance.choice(events)()]


@pytest.mark.parametrize("seed", range(300))
def test_whatever_can_happen_is_in_the_table_and_no_connection_is_forgotten(seed: int):
    chance, it = random.Random(seed), Connected()
    held = it.machine.upstream
    for _ in range(60):
        it.door.is_open = chance.random() < 0.7
        it.door.epoch = chance.randint(0, 1)
        if chance.random() < 0.5 and it.machine.state is not UpstreamState.OVER:
            it.ask(chance.choice((PRODUCE, FETCH)))
        (outcome,) = _happen(it, chance, chance.choice((0.0, LEASE)))
        if RelayOrder.SEND in outcome.orders:
            it.send()
        if {RelayOrder.LET_GO, RelayOrder.ABORT} & set(outcome.orders):
            assert outcome.upstream is not None
        assert (it.machine.upstream is not None) == (it.machine.state in HOLDS_ONE)
        if held is not None and it.machine.upstream is not held:
            closing = {RelayOrder.LET_GO, RelayOrder.ABORT, RelayOrder.CLOSE}
            assert closing & set(outcome.orders)
        held = it.machine.upstream


def test_a_broker_that_has_a_change_of_topics_outlives_its_client():
    it = Connected(FETCH, DELETE_TOPICS, PRODUCE)
    left = it.machine.ended()
    assert left.orders == (RelayOrder.HAND_OVER,)
    assert left.upstream == "b"
    assert [request.api.key for request in left.lost] == [FETCH, DELETE_TOPICS]
    assert it.machine.upstream is None


def test_a_change_of_topics_that_was_not_sent_keeps_no_broker():
    it = Connected(FETCH)
    it.ask(DELETE_TOPICS)
    assert it.machine.ended().orders == (RelayOrder.LET_GO,)


def test_a_fence_does_not_let_go_of_a_broker_that_has_a_change_of_topics():
    it = Connected(DELETE_TOPICS)
    it.door.is_open = False
    it.machine.fenced(0.0)
    assert it.machine.ended().orders == (RelayOrder.HAND_OVER,)


def test_what_a_lost_broker_had_is_handed_to_nobody():
    it = Connected(DELETE_TOPICS)
    it.machine.upstream_lost("b")
    assert it.machine.ended().orders == ()
