"""Clients and brokers that do what they should not, and fences in the middle of it."""

import asyncio
import struct

import pytest
from structlog.testing import capture_logs

from dataplane.gateway import client_connection
from dataplane.gateway import gateway as gateway_module
from dataplane.gateway.client_connection import DEPTH_LIMIT
from dataplane.node.machine import Order
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    ALL_ACLS,
    API_VERSIONS,
    DESCRIBE_ACLS,
    DESCRIBE_BROKER_1,
    DESCRIBE_CONFIGS,
    FETCH,
    FETCH_4,
    FETCH_4_ANSWER,
    PRODUCE,
    PRODUCE_3,
    PRODUCE_3_ANSWER,
    PRODUCE_3_UNANSWERED,
    RawClient,
    ScriptedBroker,
    authentication,
    eventually,
    request,
)

METADATA = 3
ENDLESS = 32 * 1024 * 1024
"""Bytes of an answer that fits into no socket's buffers."""


def _serve_again(stage: Stage) -> None:
    """Go on with the same cluster, as after an aborted switch."""
    stage.order(Order.SERVE, "main")


async def test_requests_are_answered_in_order(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(FETCH, 4, 10, FETCH_4), request(PRODUCE, 3, 11, PRODUCE_3))
    (await broker.next()).answer(FETCH_4_ANSWER)
    (await broker.next()).answer(PRODUCE_3_ANSWER)
    assert [(await client.receive())[0] for _ in range(2)] == [10, 11]


async def test_a_malformed_request_that_is_held_ends_its_connection_alone(
    client: RawClient, scripted: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gateway_module, "HOLD_LIMIT", 0.1)
    scripted.gateway.set_lease(0.0)
    client.send(request(PRODUCE, 3, 10, b"\xff"))
    assert await client.closed()
    async with await RawClient.connect(scripted.bootstrap) as other:
        assert await other.authenticate(scripted.token()) == 0


async def test_neither_side_of_an_idle_connection_holds_a_buffer(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(PRODUCE, 3, 10, PRODUCE_3))
    (await broker.next()).answer(PRODUCE_3_ANSWER)
    await client.receive()
    (connection,) = scripted.gateway.connections
    upstream = connection.relay.machine.upstream
    assert [connection._reader.held, upstream.reader.held] == [0, 0]


async def test_many_requests_in_one_read_do_not_stop_the_reading(client: RawClient):
    many = DEPTH_LIMIT + 10
    client.send(*(request(API_VERSIONS, 0, n, b"") for n in range(many)))
    assert [(await client.receive())[0] for _ in range(many)] == list(range(many))
    client.send(request(API_VERSIONS, 0, many, b""))
    assert (await client.receive())[0] == many


async def test_a_client_that_reads_no_answers_is_read_no_further(
    client: RawClient, scripted: Stage
):
    (connection,) = scripted.gateway.connections
    connection.transport.write(bytes(ENDLESS))
    assert not connection._reading
    client.send(request(API_VERSIONS, 0, 10, b""))
    await client.skip(ENDLESS)
    assert (await client.receive())[0] == 10


async def test_a_refused_request_is_answered_when_the_scope_opens_again(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(PRODUCE, 3, 10, PRODUCE_3))
    write = await broker.next()
    scripted.order(Order.FENCE, "main")
    client.send(request(DESCRIBE_CONFIGS, 1, 11, DESCRIBE_BROKER_1))
    (connection,) = scripted.gateway.connections
    await eventually(lambda: connection.relay.waiting == 1)
    _serve_again(scripted)
    write.answer(PRODUCE_3_ANSWER)
    assert [(await client.receive())[0] for _ in range(2)] == [10, 11]


async def _hold_and_hang_up(client: RawClient, stage: Stage, write: bytes) -> None:
    """A client gives up what is held, and the scope goes on with the same cluster."""
    stage.order(Order.FENCE, "main")
    client.send(request(PRODUCE, 3, 10, write))
    (connection,) = stage.gateway.connections
    await eventually(lambda: connection.relay.waiting == 1)
    assert not connection._reading, "nobody hears that it hangs up"
    client.writer.close()
    await client.writer.wait_closed()
    _serve_again(stage)


async def test_what_a_client_has_given_up_while_it_was_held_is_not_sent(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    """It came to stand behind later writes of the same producer, which it had sent elsewhere."""
    await _hold_and_hang_up(client, scripted, PRODUCE_3)
    await eventually(lambda: not scripted.gateway.connections)
    assert scripted.gateway.counters.held_in_vain == 1
    async with await RawClient.connect(scripted.bootstrap) as other:
        await other.authenticate(scripted.token())
        other.send(request(FETCH, 4, 11, FETCH_4))
        assert (await broker.next()).key == FETCH


async def test_a_write_without_acknowledgement_is_sent_although_the_client_has_left(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await _hold_and_hang_up(client, scripted, PRODUCE_3_UNANSWERED)
    assert (await broker.next()).key == PRODUCE
    await eventually(lambda: not scripted.gateway.connections)


async def test_what_is_denied_reaches_no_broker(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(DESCRIBE_ACLS, 1, 10, ALL_ACLS), request(FETCH, 4, 11, FETCH_4))
    correlation_id, denial = await client.receive()
    assert (correlation_id, denial[4:6]) == (10, struct.pack(">h", 31))
    assert b"not by ACLs" in denial
    assert (await broker.next()).key == FETCH


@pytest.mark.parametrize("count", [60_000, 1_500_000], ids=["elements", "bytes"])
async def test_what_is_too_much_to_look_at_ends_its_connection_and_reaches_no_broker(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, count: int
):
    names = struct.pack(">i", count) + b"\0\1x" * count
    with capture_logs() as lines:
        client.send(request(METADATA, 1, 10, names))
        await eventually(lambda: not scripted.gateway.connections)
    (closed,) = [line for line in lines if line["event"] == "client connection closed"]
    assert "Metadata" in closed["reason"]
    assert "too many elements" in closed["reason"] or "the limit is" in closed["reason"]
    assert broker.asked.empty()


async def test_a_refused_request_needs_no_other_to_be_answered(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(FETCH, 4, 10, FETCH_4))
    (await broker.next()).answer(FETCH_4_ANSWER)
    await client.receive()
    scripted.gateway.set_lease(0.0)
    client.send(request(DESCRIBE_CONFIGS, 1, 11, DESCRIBE_BROKER_1))
    (connection,) = scripted.gateway.connections
    await eventually(lambda: connection.relay.waiting == 1)
    scripted.gateway.set_lease(float("inf"))
    _serve_again(scripted)
    assert (await client.receive())[0] == 11


async def test_answers_that_come_too_late_are_not_taken_for_those_of_later_requests(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(FETCH, 4, 10, FETCH_4), request(PRODUCE, 3, 11, PRODUCE_3))
    late, write = await broker.next(), await broker.next()
    scripted.gateway.set_lease(0.0)
    late.answer(FETCH_4_ANSWER)
    write.answer(PRODUCE_3_ANSWER)
    (connection,) = scripted.gateway.connections
    await eventually(lambda: connection.relay.in_flight == 0)
    assert scripted.gateway.scope("main").cut == 1
    scripted.gateway.set_lease(float("inf"))
    _serve_again(scripted)
    (await broker.next()).answer(FETCH_4_ANSWER)
    client.send(request(FETCH, 4, 12, FETCH_4))
    (await broker.next()).answer(FETCH_4_ANSWER)
    answers = dict([await client.receive() for _ in range(3)])
    assert answers.keys() == {10, 11, 12}
    assert answers[10] == answers[12]


async def test_what_a_deaf_broker_did_not_take_is_cut_at_the_limit(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await _fill_the_sockets(client, scripted, broker)
    scripted.closed.clear()
    scripted.order(Order.FENCE, "main")
    await asyncio.sleep(0)
    assert not scripted.closed.is_set()
    scripted.order(Order.CUT, "main")
    async with asyncio.timeout(5):
        await scripted.closed.wait()


async def test_a_client_of_a_deaf_broker_is_read_again_after_the_cut(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await _fill_the_sockets(client, scripted, broker)
    scripted.order(Order.DROP, "main")
    broker.reads.set()
    _serve_again(scripted)
    client.send(request(FETCH, 4, 99, FETCH_4))
    while (asked := await broker.next()).key != FETCH:
        pass
    asked.answer(FETCH_4_ANSWER)
    assert (await client.receive())[0] == 99


async def _fill_the_sockets(client: RawClient, stage: Stage, broker: ScriptedBroker) -> None:
    """Write with acks=0 until the gateway cannot get rid of it."""
    client.send(request(PRODUCE, 3, 1, PRODUCE_3_UNANSWERED))
    await broker.next()
    broker.reads.clear()
    (connection,) = stage.gateway.connections
    topic = struct.pack(">ih100si", 1, 100, b"t" * 100, 0)
    unanswered = struct.pack(">hhi", -1, 0, 1000) + topic
    many = request(PRODUCE, 3, 2, unanswered) * 500

    def is_full() -> bool:
        upstream = connection.relay.machine.upstream
        assert upstream is not None
        return upstream.transport.get_write_buffer_size() > 0

    while connection._reading:
        client.send(many)
        await asyncio.sleep(0.01)
    await eventually(is_full)


async def test_a_slow_client_does_not_keep_a_fence_waiting(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(FETCH, 4, 10, FETCH_4), request(PRODUCE, 3, 11, PRODUCE_3))
    fetch, write = await broker.next(), await broker.next()
    (connection,) = scripted.gateway.connections
    connection.pause_writing()
    fetch.answer(FETCH_4_ANSWER)
    write.answer(PRODUCE_3_ANSWER)
    scripted.order(Order.FENCE, "main")
    async with asyncio.timeout(5):
        await scripted.closed.wait()


async def test_a_failed_authentication_ends_the_connection(scripted: Stage):
    async with await RawClient.connect(scripted.bootstrap) as client:
        assert await client.authenticate(scripted.token(exp=1)) == 58
        assert await client.closed()


async def test_a_second_authentication_changes_nobody(client: RawClient, scripted: Stage):
    (connection,) = scripted.gateway.connections
    before = connection.relay
    client.send(request(17, 1, 20, struct.pack(">h5s", 5, b"PLAIN")))
    assert (await client.receive())[1][:2] == b"\0\0"
    client.send(authentication(scripted.token(username="other"), 21, user="other"))
    correlation_id, answer = await client.receive()
    assert (correlation_id, struct.unpack_from(">h", answer)) == (21, (58,))
    assert b"cannot change its user" in answer
    assert await client.closed()
    assert connection.relay is before


@pytest.mark.parametrize(
    "nonsense",
    [b"\0\0\0\1x", struct.pack(">ii", 4, 777), b"\xff\xff\xff\xff", struct.pack(">ii", 4, 10)],
    ids=["short", "not-asked-for", "negative", "nothing-after-the-id"],
)
async def test_a_broker_that_answers_nonsense_costs_the_connection(
    client: RawClient,
    scripted: Stage,
    broker: ScriptedBroker,
    nonsense: bytes,
    caplog: pytest.LogCaptureFixture,
):
    client.send(request(PRODUCE, 3, 10, PRODUCE_3))
    (await broker.next()).writer.write(nonsense)
    assert await client.closed()
    scripted.order(Order.FENCE, "main")
    async with asyncio.timeout(5):
        await scripted.closed.wait()
    assert "Traceback" not in caplog.text


async def test_a_connection_that_cannot_be_flushed_is_ended_all_the_same(
    client: RawClient, scripted: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client_connection, "CLOSE_LIMIT", 0.1)
    (connection,) = scripted.gateway.connections
    connection.transport.write(bytes(ENDLESS))
    connection.close("the test wants it")
    await eventually(lambda: not scripted.gateway.connections)


async def test_a_node_that_stops_is_not_opened_again(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await scripted.gateway.drain(1)
    _serve_again(scripted)
    client.send(request(FETCH, 4, 10, FETCH_4))
    (connection,) = scripted.gateway.connections
    await eventually(lambda: connection.relay.waiting)
    assert broker.connections == []


async def test_a_node_that_has_stopped_has_no_connection_left(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await _fill_the_sockets(client, scripted, broker)
    await scripted.gateway.drain(0.1)
    assert scripted.closed.is_set()
