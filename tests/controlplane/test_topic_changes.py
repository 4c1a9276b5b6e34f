"""What nodes tell of topics, many at once."""

from datetime import UTC, datetime
from itertools import count

import httpx
import msgspec
import pytest

from contract.session import TopicChange, TopicChanges, TopicCreated, TopicDeleted
from controlplane.topic_changes import commands_of
from tests.controlplane.conftest import Running, in_process
from tests.controlplane.fake_node import NODE_TOKEN

PATH = "/internal/v1/nodes/n1/topic-changes"


def created(logical: str, vcluster: str = "teamA", ago_s: float = 0.0) -> TopicChange:
    topic = TopicCreated(
        vcluster=vcluster, logical=logical, partitions=1, replication_factor=1, configs={}
    )
    return TopicChange.of(topic, ago_s)


def deleted(logical: str, ago_s: float = 0.0) -> TopicChange:
    return TopicChange.of(TopicDeleted(vcluster="teamA", logical=logical), ago_s)


async def tell(plane: Running, *changes: TopicChange, call_id: str = "") -> httpx.Response:
    return await plane.client.post(
        PATH,
        content=msgspec.json.encode(TopicChanges(changes=changes, call_id=call_id)),
        headers={"Authorization": f"Bearer {NODE_TOKEN}", "Content-Type": "application/json"},
        auth=None,
    )


@pytest.mark.environment
async def test_a_thousand_topics_are_known_after_ten_calls(variables):
    async with in_process(variables) as plane:
        await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        for start in range(0, 1000, 100):
            some = [created(f"t{n}") for n in range(start, start + 100)]
            assert (await tell(plane, *some)).status_code == 204
        answer = await plane.client.get("/api/v1/events", params={"kind": "topic", "limit": 1000})
        mapped = [event["data"]["logical"] for event in answer.json()["items"]]
        assert mapped == [f"t{n}" for n in range(1000)]


@pytest.mark.environment
async def test_what_is_refused_keeps_no_other_out_and_what_is_told_again_does_no_harm(variables):
    async with in_process(variables) as plane:
        await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        changes = [created("x", vcluster="nobody"), created("a"), deleted("a"), created("b")]
        for _ in range(2):
            assert (await tell(plane, *changes)).status_code == 204
        state = (await plane.client.get("/api/v1/state")).json()
        topics = [key for key in state["records"] if key.startswith("topic/")]
        assert topics == ["topic/teamA/b"]


@pytest.mark.environment
async def test_a_call_that_is_repeated_is_noted_once(variables):
    """Else a topic that was deleted and made again would be taken for made anew once more."""
    async with in_process(variables) as plane:
        await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        ago = count(1.0)
        for call_id in ("first", "first", "second", "first"):
            # Of a call that is repeated all is longer ago.
            changes = [created("a", ago_s=next(ago)), deleted("a"), created("a")]
            answer = await tell(plane, *changes, call_id=call_id)
            assert answer.status_code == 204
        answer = await plane.client.get("/api/v1/events", params={"kind": "topic"})
        kinds = [event["kind"] for event in answer.json()["items"]]
        first = ["topic.mapped", "topic.unmapped", "topic.mapped"]
        assert kinds == [*first, "topic.unmapped", "topic.mapped"]


@pytest.mark.environment
async def test_what_is_told_late_does_not_make_a_deleted_topic_again(variables):
    """Of two nodes one has seen it made, the other deleted; the first is heard last."""
    async with in_process(variables) as plane:
        await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        assert (await tell(plane, deleted("a", ago_s=2.0))).status_code == 204
        assert (await tell(plane, created("a", ago_s=5.0))).status_code == 204
        state = (await plane.client.get("/api/v1/state")).json()
        assert "topic/teamA/a" not in state["records"]
        assert (await tell(plane, created("a", ago_s=1.0))).status_code == 204
        state = (await plane.client.get("/api/v1/state")).json()
        assert "topic/teamA/a" in state["records"]


def test_what_is_said_to_be_ages_ago_is_not_before_all_time():
    told = TopicChanges(changes=(created("a", ago_s=1e300),))
    (command,) = commands_of(told, datetime.now(UTC))
    assert command.at is not None
