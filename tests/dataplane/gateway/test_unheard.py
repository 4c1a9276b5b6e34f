"""What a broker did to topics is told, although the client that asked has hung up."""

import asyncio
import socket
import struct

import pytest

from contract.session import TopicCreated, TopicDeleted
from dataplane.gateway import unheard
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    FETCH,
    FETCH_4,
    FETCH_4_ANSWER,
    RawClient,
    ScriptedBroker,
    eventually,
    request,
)

CREATE_TOPICS, DELETE_TOPICS = 19, 20
VCLUSTER = "tenant"


def _named(name: str) -> bytes:
    return struct.pack(">h", len(name)) + name.encode()


DELETE_1 = struct.pack(">i", 1) + _named("orders") + struct.pack(">i", 1000)
CREATE_1 = struct.pack(">i", 1) + _named("orders") + struct.pack(">ihiiib", 2, 1, 0, 0, 1000, 0)


def _deleted(name: str) -> bytes:
    return struct.pack(">ii", 0, 1) + _named(name) + struct.pack(">h", 0)


def _created(name: str) -> bytes:
    """CreateTopics version 2, without a message."""
    return struct.pack(">ii", 0, 1) + _named(name) + struct.pack(">hh", 0, -1)


async def _hang_up(client: RawClient, stage: Stage, *, reset: bool) -> None:
    if reset:
        gone = client.writer.get_extra_info("socket")
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
    else:
        client.writer.close()
    await eventually(lambda: not stage.gateway.connections)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_deletion_is_told_when_its_client_has_hung_up(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, *, reset: bool
):
    client.send(request(FETCH, 4, 10, FETCH_4), request(DELETE_TOPICS, 1, 11, DELETE_1))
    fetch, delete = await broker.next(), await broker.next()
    await _hang_up(client, scripted, reset=reset)
    scope = scripted.gateway.scope("main")
    assert scope.topics_under_way.total == 1, "a switch waits for it"
    fetch.answer(FETCH_4_ANSWER)
    delete.answer(_deleted(f"{VCLUSTER}orders"))
    await eventually(lambda: not scope.upstreams)
    told = scripted.gateway.topic_facts.get_nowait()
    assert told.fact == TopicDeleted(vcluster=VCLUSTER, logical="orders")
    assert scope.topics_under_way.total == 1, "until the control plane knows"


async def test_a_creation_is_told_when_its_client_has_hung_up(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(CREATE_TOPICS, 2, 11, CREATE_1))
    create = await broker.next()
    await _hang_up(client, scripted, reset=True)
    create.answer(_created(f"{VCLUSTER}orders"))
    scope = scripted.gateway.scope("main")
    await eventually(lambda: not scope.upstreams)
    fact = scripted.gateway.topic_facts.get_nowait().fact
    assert isinstance(fact, TopicCreated)
    assert (fact.logical, fact.partitions) == ("orders", 2)


async def test_a_broker_that_says_nothing_is_waited_for_no_longer_than_the_limit(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unheard, "UNHEARD_LIMIT", 0.1)
    client.send(request(DELETE_TOPICS, 1, 11, DELETE_1))
    await broker.next()
    await _hang_up(client, scripted, reset=True)
    scope = scripted.gateway.scope("main")
    await eventually(lambda: not scope.upstreams)
    assert scope.topics_under_way.total == 0
    assert scripted.gateway.counters.unheard_unknown == 1


async def test_an_account_has_no_more_of_them_than_its_share(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dataplane.gateway.relay.MOST_UNHEARD", 0)
    client.send(request(DELETE_TOPICS, 1, 11, DELETE_1))
    await broker.next()
    await _hang_up(client, scripted, reset=True)
    scope = scripted.gateway.scope("main")
    await eventually(lambda: not scope.upstreams)
    assert scope.topics_under_way.total == 0
    assert scripted.gateway.counters.unheard_unknown == 1


async def test_what_comes_when_the_lease_is_over_is_not_told(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(DELETE_TOPICS, 1, 11, DELETE_1))
    delete = await broker.next()
    await _hang_up(client, scripted, reset=True)
    scripted.gateway.set_lease(0.0)
    delete.answer(_deleted(f"{VCLUSTER}orders"))
    await eventually(lambda: not scripted.gateway.scope("main").upstreams)
    with pytest.raises(asyncio.QueueEmpty):
        scripted.gateway.topic_facts.get_nowait()


async def _ask_and_leave(stage: Stage, asked: bytes) -> object:
    """What is told of a change whose client hangs up as soon as it was sent."""
    client = await RawClient.connect(stage.bootstrap)
    await client.authenticate(stage.token())
    client.send(asked)
    client.writer.close()
    async with asyncio.timeout(5):
        return (await stage.gateway.topic_facts.get()).fact


@pytest.mark.environment
async def test_real_kafka_s_changes_are_told_when_their_client_has_hung_up(stage: Stage):
    created = await _ask_and_leave(stage, request(CREATE_TOPICS, 2, 11, CREATE_1))
    assert isinstance(created, TopicCreated)
    deleted = await _ask_and_leave(stage, request(DELETE_TOPICS, 1, 11, DELETE_1))
    assert deleted == TopicDeleted(vcluster=stage.vcluster, logical="orders")
    assert stage.gateway.counters.unheard_told == 2
    await eventually(lambda: not stage.gateway.scope("main").upstreams)
