"""What a scope that is quiescing does to requests of groups, on a scripted broker."""

import struct
from typing import Any

import pytest

from contract.session import Unrest
from dataplane.gateway import parking, roster, scope
from dataplane.node.machine import Order
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    FETCH,
    FETCH_4,
    FETCH_4_ANSWER,
    RawClient,
    ScriptedBroker,
    eventually,
    framed,
    request,
)
from tests.dataplane.virtual.test_heads import frame

OFFSET_COMMIT, JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 8, 11, 12, 13, 14
NONE, LOADING, ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCE = 0, 14, 22, 25, 27
NOT_CONTROLLER = 41
MEMBER_ID_REQUIRED = 79
QUIET = Unrest()


@pytest.fixture(autouse=True)
def call_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "CALL_AFTER", 0.0)


def says(key: int, correlation_id: int, member: str = "m", generation: int = 1) -> bytes:
    """A request of a member of group `g`, framed, in version 2."""
    fields: dict[str, Any] = {
        "group_id": "g",
        "member_id": member,
        "generation_id": generation,
        "generation_id_or_member_epoch": generation,
        "protocol_type": "consumer",
    }
    return framed(frame(key, 2, correlation_id, **fields))


def code(body: bytes) -> int:
    """The error of Heartbeat, SyncGroup or JoinGroup in version 2: behind the throttle time."""
    return int(struct.unpack_from(">h", body, 4)[0])


HEARTBEAT_ANSWER = struct.pack(">ih", 0, NONE)
COMMIT_ANSWER = struct.pack(">i", 0)


async def reading_member(client: RawClient, broker: ScriptedBroker) -> None:
    """A member that the node knows."""
    client.send(says(HEARTBEAT, 1))
    (await broker.next()).answer(HEARTBEAT_ANSWER)
    assert code((await client.receive())[1]) == NONE


def unrest(stage: Stage) -> Unrest | None:
    return stage.gateway.unrest("main")


async def test_members_are_called_by_their_heartbeats(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    assert unrest(scripted) is None
    scripted.quiesce()
    assert unrest(scripted) == Unrest(members=1, member_names=("tenantg m",))
    for answer, heard in ((NONE, REBALANCE), (UNKNOWN_MEMBER, UNKNOWN_MEMBER)):
        client.send(says(HEARTBEAT, 2))
        (await broker.next()).answer(struct.pack(">ih", 0, answer))
        assert code((await client.receive())[1]) == heard


async def test_a_parked_join_lets_commits_pass_and_ends_with_the_switch(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(says(JOIN_GROUP, 2), says(OFFSET_COMMIT, 3))
    commit = await broker.next()
    assert commit.key == OFFSET_COMMIT
    commit.answer(COMMIT_ANSWER)
    assert unrest(scripted) == QUIET
    await scripted.switch("failover")
    correlation_id, body = await client.receive()
    assert (correlation_id, code(body)) == (2, UNKNOWN_MEMBER)
    assert (await client.receive())[0] == 3


@pytest.mark.parametrize("key", [HEARTBEAT, OFFSET_COMMIT])
async def test_what_a_parked_member_said_meanwhile_is_not_asked_of_the_next_cluster(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, key: int
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(says(JOIN_GROUP, 2))
    await eventually(lambda: unrest(scripted) == QUIET)
    scripted.closed.clear()
    scripted.order(Order.FENCE, "main")
    await scripted.closed.wait()
    client.send(says(key, 3))
    await eventually(lambda: scripted.gateway.scope_counts("main")[1] == 2)
    scripted.epoch += 1
    scripted.order(Order.SERVE, "failover")
    assert code((await client.receive())[1]) == UNKNOWN_MEMBER
    client.send(says(JOIN_GROUP, 4, member=""))
    assert (await client.receive())[0] == 3
    assert (await broker.next()).key == JOIN_GROUP


async def test_who_was_promised_a_member_id_may_speak_before_it_joins(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    """As librdkafka does, with the new id and the generation before."""
    client.send(framed(frame(JOIN_GROUP, 4, 1, group_id="g", member_id="")))
    promise = struct.pack(">ihihhh", 0, MEMBER_ID_REQUIRED, -1, 0, 0, 1) + b"m"
    (await broker.next()).answer(promise + struct.pack(">i", 0))
    await client.receive()
    client.send(says(HEARTBEAT, 2, generation=7))
    assert code((await client.receive())[1]) == NONE
    client.send(says(JOIN_GROUP, 3))
    assert (await broker.next()).key == JOIN_GROUP


async def test_a_parked_join_goes_on_when_the_switch_is_aborted(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(says(JOIN_GROUP, 2))
    await eventually(lambda: unrest(scripted) == QUIET)
    scripted.order(Order.SERVE, "main")
    assert (await broker.next()).key == JOIN_GROUP


async def test_who_is_new_joins_on_the_cluster_that_serves_then(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    scripted.quiesce()
    client.send(says(JOIN_GROUP, 2, member=""))
    await eventually(lambda: scripted.gateway.scope_counts("main")[1] == 1)
    assert unrest(scripted) == QUIET
    await scripted.switch("failover")
    assert (await broker.next()).key == JOIN_GROUP


async def test_a_join_is_not_parked_for_longer_than_its_client_waits(
    client: RawClient, scripted: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parking, "PARKING_LIMIT", 0.1)
    scripted.quiesce()
    client.send(says(JOIN_GROUP, 2))
    assert code((await client.receive())[1]) == LOADING


async def test_no_records_come_any_more_and_polls_end_in_time(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(request(FETCH, 4, 1, FETCH_4))
    asked = await broker.next()
    scripted.quiesce()
    asked.answer(FETCH_4_ANSWER)
    assert (await client.receive())[0] == 1
    client.send(request(FETCH, 4, 2, FETCH_4))
    assert await client.receive() == (2, FETCH_4_ANSWER)
    assert broker.asked.empty()


async def test_records_are_withheld_after_a_switch_until_the_log_says_otherwise(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    """Members that are to come back may speak to other nodes than their Fetch does."""
    await scripted.switch("failover", withholds_records=True)
    client.send(request(FETCH, 4, 1, FETCH_4))
    assert await client.receive() == (1, FETCH_4_ANSWER)
    assert broker.asked.empty()
    scripted.order(Order.SERVE, "failover")
    client.send(request(FETCH, 4, 2, FETCH_4))
    (await broker.next()).answer(FETCH_4_ANSWER)
    assert (await client.receive())[0] == 2


async def test_records_are_not_withheld_for_ever(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scope, "REJOIN_LIMIT", 0.1)
    await scripted.switch("failover", withholds_records=True)
    await eventually(lambda: not scripted.gateway.scope("main").gives_no_records)
    client.send(request(FETCH, 4, 1, FETCH_4))
    (await broker.next()).answer(FETCH_4_ANSWER)
    assert (await client.receive())[0] == 1


async def test_who_leaves_is_not_waited_for(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(says(LEAVE_GROUP, 2))
    assert (await broker.next()).key == LEAVE_GROUP
    assert unrest(scripted) == QUIET


async def test_nobody_may_leave(client: RawClient, scripted: Stage, broker: ScriptedBroker):
    """From version 3 on a request names its members in a list, which may be empty."""
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(framed(frame(LEAVE_GROUP, 3, 2, group_id="g", members=())))
    assert (await broker.next()).key == LEAVE_GROUP
    assert unrest(scripted) == Unrest(members=1, member_names=("tenantg m",))


async def test_who_has_gone_is_not_waited_for(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.writer.transport.abort()
    await eventually(lambda: unrest(scripted) == QUIET)


async def test_a_position_of_the_cluster_before_is_not_committed(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    """aiokafka commits without being a member, once it has heard that it is none any more."""
    await reading_member(client, broker)
    await scripted.switch("failover")
    position = framed(
        frame(OFFSET_COMMIT, 2, 2, group_id="g", topics=(), generation_id_or_member_epoch=-1)
    )
    client.send(position, says(JOIN_GROUP, 3, member=""), position)
    assert (await client.receive())[0] == 2
    assert [(await broker.next()).key for _ in range(2)] == [JOIN_GROUP, OFFSET_COMMIT]


DELETE_TOPICS = 20
DELETED = struct.pack(">iih7sh", 0, 1, 7, b"tenanta", NONE)
"""The answer of version 2 about one topic, by its name on the cluster."""


def deletes(correlation_id: int) -> bytes:
    return framed(frame(DELETE_TOPICS, 2, correlation_id, topic_names=("a",)))


async def test_what_changes_topics_waits_for_the_end_of_the_switch_and_keeps_no_other_out(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    client.send(deletes(2), says(OFFSET_COMMIT, 3))
    commit = await broker.next()
    assert commit.key == OFFSET_COMMIT
    commit.answer(COMMIT_ANSWER)
    assert unrest(scripted) == Unrest(members=1, member_names=("tenantg m",))
    await scripted.switch("failover")
    deletion = await broker.next()
    assert deletion.key == DELETE_TOPICS
    deletion.answer(DELETED)
    assert [(await client.receive())[0] for _ in range(2)] == [2, 3]
    assert scripted.gateway.topic_facts.qsize() == 1


async def test_a_topic_that_is_being_changed_is_restless_until_that_is_told(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(deletes(1))
    deletion = await broker.next()
    scripted.quiesce()
    assert unrest(scripted) == Unrest(topics=1)
    deletion.answer(DELETED)
    assert (await client.receive())[0] == 1
    assert unrest(scripted) == Unrest(topics=1), "it is not told yet"
    scripted.gateway.topic_facts.get_nowait().under_way.told()
    assert unrest(scripted) == QUIET


async def test_who_has_gone_changes_no_topic_any_more(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    client.send(deletes(1))
    assert (await broker.next()).key == DELETE_TOPICS
    scripted.quiesce()
    client.writer.transport.abort()
    await eventually(lambda: unrest(scripted) == QUIET)


async def test_what_changes_topics_is_not_parked_for_longer_than_a_client_waits(
    client: RawClient,
    scripted: Stage,
    broker: ScriptedBroker,
    monkeypatch: pytest.MonkeyPatch,
):
    await reading_member(client, broker)
    monkeypatch.setattr(parking, "PARKING_LIMIT", 0.1)
    scripted.quiesce()
    client.send(deletes(2))
    correlation_id, body = await client.receive()
    assert (correlation_id, body[-2:]) == (2, struct.pack(">h", NOT_CONTROLLER))
