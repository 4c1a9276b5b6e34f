"""What a switch does to members of KIP-848 groups, on a scripted broker."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contract.session import Unrest
from dataplane.gateway import roster
from dataplane.node.machine import Order
from dataplane.virtual.messages import decode_response, encode_response
from dataplane.wire.header import Peek
from tests.dataplane.equivalence import scene
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import Asked, RawClient, ScriptedBroker, framed
from tests.dataplane.virtual.instances import request_frame

HEARTBEAT = 68
NONE, LOADING, GROUP_ID_NOT_FOUND, FENCED_MEMBER_EPOCH = 0, 14, 69, 110
MEMBER = ("tenantg m",)
RESTLESS, QUIET = Unrest(members=1, member_names=MEMBER), Unrest()
PARTITIONS = [{"topic_id": UUID(int=7), "partitions": [0, 3]}]


@pytest.fixture(autouse=True)
def call_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "CALL_AFTER", 0.0)


def unrest(stage: Stage) -> Unrest | None:
    return stage.gateway.unrest("main")


def beat(client: RawClient, epoch: int, owned: Any = None) -> None:
    """Send a heartbeat of member `m` of group `g`, with what it holds if that has changed."""
    given = {"group_id": "g", "member_id": "m", "member_epoch": epoch, "topic_partitions": owned}
    client.send(framed(request_frame(*scene.made(HEARTBEAT, 1, **given))))


async def heard(client: RawClient) -> Any:
    correlation_id, rest = await client.receive()
    return decode_response(HEARTBEAT, 1, correlation_id.to_bytes(4) + rest)


def answer(asked: Asked, error: int = NONE, assigned: Any = None) -> None:
    """What the broker says: a new assignment, or none."""
    _, _, body = scene.answered(
        HEARTBEAT,
        1,
        error_code=error,
        member_id="m",
        member_epoch=1,
        heartbeat_interval=timedelta(seconds=5),
        assignment=None if assigned is None else {"topic_partitions": assigned},
    )
    asked.answer(encode_response(Peek(HEARTBEAT, 1, asked.correlation_id), body)[4:])


async def reading_member(client: RawClient, broker: ScriptedBroker) -> None:
    """A member that has joined, and was given partitions."""
    beat(client, 0, [])
    answer(await broker.next(), assigned=PARTITIONS)
    assert (await heard(client)).assignment.topic_partitions


async def told_to_hold_nothing(client: RawClient, stage: Stage) -> None:
    stage.quiesce()
    beat(client, 1)
    told = await heard(client)
    assert (told.error_code, told.member_epoch, told.assignment.topic_partitions) == (0, 1, ())


async def at_rest(client: RawClient, stage: Stage) -> None:
    await told_to_hold_nothing(client, stage)
    beat(client, 1, [])
    assert (await heard(client)).assignment is None
    assert unrest(stage) == QUIET


async def test_a_member_is_told_to_hold_nothing_and_is_at_rest_once_it_says_so(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    await told_to_hold_nothing(client, scripted)
    assert unrest(scripted) == RESTLESS
    beat(client, 1)  # it has not given up its partitions yet
    assert (await heard(client)).assignment.topic_partitions == ()
    assert unrest(scripted) == RESTLESS
    beat(client, 1, [])
    assert (await heard(client)).assignment is None
    assert unrest(scripted) == QUIET
    beat(client, 1)
    assert (await heard(client)).assignment is None
    assert unrest(scripted) == QUIET


async def test_one_that_has_not_taken_over_yet_what_it_was_given_is_not_at_rest(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    beat(client, 1, [])
    assert (await heard(client)).assignment.topic_partitions == ()
    assert unrest(scripted) == RESTLESS
    beat(client, 1, PARTITIONS)
    assert (await heard(client)).assignment.topic_partitions == ()
    assert unrest(scripted) == RESTLESS
    beat(client, 1, [])
    assert (await heard(client)).assignment is None
    assert unrest(scripted) == QUIET


async def test_one_that_holds_nothing_anyway_is_at_rest_at_once(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    beat(client, 0, [])
    answer(await broker.next(), assigned=[])
    await heard(client)
    scripted.quiesce()
    beat(client, 1)
    assert (await heard(client)).assignment is None
    assert unrest(scripted) == QUIET


async def test_whoever_would_join_meanwhile_is_asked_to_come_again(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    scripted.quiesce()
    beat(client, 0, [])
    assert (await heard(client)).error_code == LOADING
    assert unrest(scripted) == QUIET
    scripted.order(Order.SERVE, "main")
    beat(client, 0, [])
    assert (await broker.next()).key == HEARTBEAT


@pytest.mark.parametrize("outcome", ["moved", "aborted"])
async def test_wherever_it_is_served_afterwards_it_joins_anew(
    client: RawClient, scripted: Stage, broker: ScriptedBroker, outcome: str
):
    await reading_member(client, broker)
    await at_rest(client, scripted)
    if outcome == "moved":
        await scripted.switch("failover")
    else:
        scripted.order(Order.SERVE, "main")
    beat(client, 1)
    assert (await heard(client)).error_code == FENCED_MEMBER_EPOCH
    beat(client, 0, [])
    answer(await broker.next(), assigned=PARTITIONS)
    assert (await heard(client)).assignment.topic_partitions
    beat(client, 1, PARTITIONS)
    answer(await broker.next())
    assert (await heard(client)).error_code == NONE


async def test_one_that_was_not_at_rest_when_the_scope_moved_joins_anew(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    await scripted.switch("failover")
    beat(client, 1)
    assert (await heard(client)).error_code == FENCED_MEMBER_EPOCH


async def test_who_comes_from_another_node_after_a_switch_was_given_up_joins_anew(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    scripted.quiesce()
    scripted.order(Order.SERVE, "main")
    beat(client, 5)
    assert (await heard(client)).error_code == FENCED_MEMBER_EPOCH


async def test_who_comes_from_another_node_at_any_other_time_goes_on(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    beat(client, 5)
    answer(await broker.next())
    assert (await heard(client)).error_code == NONE


async def test_a_group_of_which_the_cluster_has_positions_alone_is_no_end(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    beat(client, 5)
    answer(await broker.next(), GROUP_ID_NOT_FOUND)
    assert (await heard(client)).error_code == FENCED_MEMBER_EPOCH


async def test_one_that_leaves_is_not_waited_for(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    beat(client, -1)
    answer(await broker.next())
    await heard(client)
    scripted.quiesce()
    assert unrest(scripted) == QUIET


async def test_a_member_whose_connection_is_gone_is_not_waited_for(
    client: RawClient, scripted: Stage, broker: ScriptedBroker
):
    await reading_member(client, broker)
    scripted.quiesce()
    assert unrest(scripted) == RESTLESS
    scripted.gateway.scope("main").roster.gone(next(iter(scripted.gateway.connections)).relay)
    assert unrest(scripted) == QUIET
