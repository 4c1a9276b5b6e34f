"""What is on a cluster and was not told: noted in the log, and never a reason to delete."""

import json
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from controlplane.coordinator import watching
from tests.controlplane.conftest import eventually, in_process

pytestmark = pytest.mark.environment

VCLUSTERS = "/api/v1/virtual-clusters"


@pytest.fixture
async def admins(clusters):
    """Of both clusters, past every gateway."""
    both = [AIOKafkaAdminClient(bootstrap_servers=b) for b in (clusters.main, clusters.failover)]
    for admin in both:
        await admin.start()
    yield both
    for admin in both:
        await admin.close()


@pytest.fixture
async def plane(variables, monkeypatch):
    monkeypatch.setattr(watching, "_AGAIN_S", 0.1)
    async with in_process(variables) as running:
        yield running


async def noted(plane, physical):
    """Kind, who, why and what of the events about topics of a physical name."""
    items = (await plane.client.get("/api/v1/events", params={"kind": "topic"})).json()["items"]
    return [
        (item["kind"], item["actor"], item["reason"], item["data"])
        for item in items
        if item["data"]["vcluster"] + item["data"]["logical"] == physical
    ]


async def test_it_is_adopted_with_its_configs_and_noted_when_it_is_gone(plane, admins, unique_name):
    main, failover = admins
    physical = f"{unique_name}orders"
    topic = NewTopic(physical, 2, 1, topic_configs={"retention.ms": "60000"})
    await plane.client.post(VCLUSTERS, json={"name": unique_name})
    await main.create_topics([topic])
    await failover.create_topics([topic])

    async def adopted():
        return len(await noted(plane, physical)) == 1

    await eventually(adopted, within_s=60)
    mapped = {
        "vcluster": unique_name,
        "logical": "orders",
        "physical": physical,
        "partitions": 2,
        "replication_factor": 1,
        "configs": {"retention.ms": "60000"},
        "anew": False,
    }
    by = "system:adoption"
    assert await noted(plane, physical) == [("topic.mapped", by, "found on cluster main", mapped)]
    await main.delete_topics([physical])

    async def gone():
        return len(await noted(plane, physical)) > 1

    await eventually(gone, within_s=60)
    _, (kind, actor, reason, _) = await noted(plane, physical)
    assert (kind, actor) == ("topic.unmapped", by)
    assert reason == "not on cluster main any more"
    assert physical in await failover.list_topics(), "nobody deleted it through the gateway"


async def test_what_somebody_had_us_forget_is_adopted_by_hand_alone(plane, admins, unique_name):
    main, _ = admins
    physical = f"{unique_name}orders"
    await plane.client.post(VCLUSTERS, json={"name": unique_name})
    await main.create_topics([NewTopic(physical, 1, 1)])
    await plane.client.post(f"{VCLUSTERS}/{unique_name}/adoption")
    topics = f"/admin/vclusters/v1/vcluster/{unique_name}/topics"
    assert (await plane.client.delete(topics)).status_code == 204
    # Looks come and go; another topic is adopted by them.
    await main.create_topics([NewTopic(f"{unique_name}later", 1, 1)])

    async def adopted():
        return len(await noted(plane, f"{unique_name}later")) == 1

    await eventually(adopted)
    assert (await noted(plane, physical))[-1][0] == "topic.unmapped"
    answer = await plane.client.post(f"{VCLUSTERS}/{unique_name}/adoption")
    assert [item["logical"] for item in answer.json()["items"]] == ["orders"]
    assert (await noted(plane, physical))[-1][:2] == ("topic.mapped", "user:admin")


async def test_topics_are_shown_and_adopted_before_there_is_a_gateway(plane, admins, unique_name):
    main, _ = admins
    await main.create_topics([NewTopic(f"{unique_name}orders", 2, 1)])

    async def adopt(*options):
        process = await create_subprocess_exec(
            *(sys.executable, "-m", "interlock", "vcluster", "adopt", unique_name),
            *("-o", "json", *options),
            env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": "conduktor"},
            stdout=PIPE,
        )
        output, _ = await process.communicate()
        return json.loads(output)["items"]

    async def plan():
        answer = await plane.client.post("/api/v1/switch-plans", json={"toCluster": "failover"})
        return {check["name"]: check for check in answer.json()["checks"]}

    shown = [
        {
            "logical": "orders",
            "physical": f"{unique_name}orders",
            "partitions": 2,
            "replicationFactor": 1,
            "configs": {},
        }
    ]
    nobodys = (await plan())["topics_of_nobody"]
    assert nobodys["passed"], "it is told, and stands in nobody's way"
    assert await adopt() == shown
    assert (await plane.client.get(f"{VCLUSTERS}/{unique_name}")).status_code == 404
    assert await adopt("--apply") == shown
    view = (await plane.client.get(f"{VCLUSTERS}/{unique_name}")).json()
    assert view["topics"] == 1
    assert await adopt("--apply") == []
    assert (await noted(plane, f"{unique_name}orders"))[0][1] == "user:admin"


@pytest.mark.parametrize(
    ("name", "status"), [("a b", 400), ("x" * 65, 400), ("{unique_name}and-more", 409)]
)
async def test_a_name_that_cannot_be_is_refused(plane, unique_name, name, status):
    await plane.client.post(VCLUSTERS, json={"name": unique_name})
    path = f"{VCLUSTERS}/{name.format(unique_name=unique_name)}/adoption"
    for method in ("GET", "POST"):
        answer = await plane.client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            status,
            "application/problem+json",
        )
