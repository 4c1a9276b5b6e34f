"""Transactions and a scope that is quiescing, on a scripted broker."""

import struct

import pytest

from contract.records import Routing
from contract.session import Unrest
from dataplane.gateway import parking
from dataplane.gateway.transactions import FORGOTTEN_AFTER, OpenTransactions
from dataplane.node.machine import Command, Order
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import RawClient, ScriptedBroker, eventually, framed
from tests.dataplane.virtual.test_heads import frame

INIT_PRODUCER_ID, ADD_PARTITIONS, ADD_OFFSETS, END_TXN = 22, 24, 25, 26
NONE, LOADING, CONCURRENT = 0, 14, 51
QUIET = Unrest()
ONE_OPEN = Unrest(transactions=1, transaction_names=("tenanttx",))


def quiesce(stage: Stage, *, hold: bool = True) -> None:
    routing = Routing(
        scope="main",
        cluster=stage.cluster,
        epoch=stage.epoch,
        state="quiescing",
        holds_transactions=hold,
        term=0,
    )
    stage.gateway.carry_out(Command(Order.SERVE, routing))


def says(key: int, correlation_id: int, version: int = 1) -> bytes:
    """A request about transaction `tx`, framed."""
    fields = {"transactional_id": "tx", "v3_and_below_transactional_id": "tx", "group_id": "g"}
    return framed(frame(key, version, correlation_id, **fields))


NOTHING_ADDED = struct.pack(">ii", 0, 0)


def code(error: int) -> bytes:
    """The answer to EndTxn and AddOffsetsToTxn."""
    return struct.pack(">ih", 0, error)


async def begin(client: RawClient, broker: ScriptedBroker) -> None:
    client.send(says(ADD_PARTITIONS, 1))
    (await broker.next()).answer(NOTHING_ADDED)
    await client.receive()


async def end(client: RawClient, broker: ScriptedBroker, error: int = NONE) -> None:
    client.send(says(END_TXN, 2))
    asked = await broker.next()
    assert asked.key == END_TXN
    asked.answer(code(error))
    assert await client.receive() == (2, code(error))


async def test_what_is_open_goes_on_and_ends(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await begin(client, broker)
    quiesce(scripted)
    assert scripted.gateway.unrest("main") == ONE_OPEN
    for key in (ADD_PARTITIONS, ADD_OFFSETS):
        client.send(says(key, 7))
        asked = await broker.next()
        assert asked.key == key
        asked.answer(NOTHING_ADDED if key == ADD_PARTITIONS else code(NONE))
        await client.receive()
    await end(client, broker, CONCURRENT)
    assert scripted.gateway.unrest("main") == ONE_OPEN
    await end(client, broker)
    assert scripted.gateway.unrest("main") == QUIET


@pytest.mark.parametrize("key", [ADD_PARTITIONS, ADD_OFFSETS])
async def test_a_new_one_begins_on_the_cluster_that_serves_then(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, key: int
):
    await begin(client, broker)
    await end(client, broker)
    quiesce(scripted)
    client.send(says(key, 3))
    await eventually(lambda: scripted.gateway.scope_counts("main")[1] == 1)
    assert scripted.gateway.unrest("main") == QUIET
    assert broker.asked.empty()
    await scripted.switch("failover")
    assert (await broker.next()).key == key


async def test_new_ones_begin_until_they_are_held(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    quiesce(scripted, hold=False)
    await begin(client, broker)
    await end(client, broker)
    quiesce(scripted)
    client.send(says(ADD_PARTITIONS, 3))
    await eventually(lambda: scripted.gateway.scope_counts("main")[1] == 1)
    assert broker.asked.empty()


async def test_a_new_one_goes_on_when_the_switch_is_aborted(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    quiesce(scripted)
    client.send(says(ADD_PARTITIONS, 3))
    await eventually(lambda: scripted.gateway.scope_counts("main")[1] == 1)
    scripted.order(Order.SERVE, "main")
    assert (await broker.next()).key == ADD_PARTITIONS


async def test_a_new_one_is_told_to_try_again_if_the_switch_takes_long(
    client: RawClient, scripted: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parking, "PARKING_LIMIT", 0.2)
    quiesce(scripted)
    client.send(says(ADD_OFFSETS, 3))
    assert await client.receive() == (3, code(LOADING))


async def test_whoever_begins_anew_has_none_open(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await begin(client, broker)
    quiesce(scripted)
    client.send(says(INIT_PRODUCER_ID, 3))
    (await broker.next()).answer(struct.pack(">ihqh", 0, NONE, 5, 1))
    await client.receive()
    assert scripted.gateway.unrest("main") == QUIET


def test_what_is_open_is_remembered_for_a_while_without_its_connection():
    transactions, connection = OpenTransactions(), object()
    transactions.began("tx", connection)
    transactions.gone(object(), 10.0)
    assert transactions.has("tx", 1e9)
    transactions.gone(connection, 10.0)
    assert transactions.all(10.0 + FORGOTTEN_AFTER / 2) == ["tx"]
    assert not transactions.has("tx", 10.0 + FORGOTTEN_AFTER)
    transactions.began("tx", object())
    assert transactions.has("tx", 1e9)
    transactions.begin_anew()
    assert transactions.all(0.0) == []
