"""Alias topics and grants: the incumbent's calls, our own, and the command line."""

import json

import pytest

from tests.controlplane.conftest import eventually, in_process
from tests.controlplane.probes.clusters import create_and_wait
from tests.controlplane.publisher.test_mappings import newest

pytestmark = pytest.mark.environment

TOPICS = "/admin/vclusters/v1/vcluster/{}/topics"


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        yield running


@pytest.fixture
async def team(plane, unique_name) -> str:
    await plane.client.post("/api/v1/virtual-clusters", json={"name": unique_name})
    return unique_name


async def test_the_incumbent_s_calls(plane, team, clusters):
    await create_and_wait(clusters.main, f"old-{team}", f"{team}taken", partitions=2)
    topics = TOPICS.format(team)
    body = {"physicalTopicName": f"old-{team}", "readOnly": False, "type": "alias"}
    shown = {
        "logicalTopicName": "cars",
        "clusterId": "main",
        "physicalTopicName": f"old-{team}",
        "readOnly": False,
        "type": "ALIAS",
    }
    for _ in range(2):
        answer = await plane.client.post(f"{topics}/cars", json=body)
        assert (answer.status_code, answer.json()) == (201, shown)
    assert (await plane.client.get(topics)).json() == [shown | {"autoManaged": False}]

    async def refused(name: str, **given: str) -> tuple[int, str]:
        answer = await plane.client.post(f"{topics}/{name}", json=body | given)
        return answer.status_code, answer.json()["message"]

    assert await refused("x", physicalTopicName="nope") == (
        400,
        "there is no physical topic nope: create it first",
    )
    assert (await refused("cars", physicalTopicName="nope"))[0] == 409
    await create_and_wait(clusters.main, f"other-{team}", partitions=2)
    assert (await refused("taken", physicalTopicName=f"other-{team}"))[0] == 409
    assert (await refused("x", type="concentrated"))[0] == 501
    assert (await refused("x", type="nonsense"))[0] == 400
    rules = f"/admin/vclusters/v1/vcluster/{team}/concentration-rules"
    assert (await plane.client.post(rules, json={})).status_code == 501
    assert (await plane.client.get(rules)).json() == []
    assert (await plane.client.delete(rules)).status_code == 404

    async def is_published() -> bool:
        record = await newest(clusters.main, team)
        return record is not None and record["cars"]["isVirtual"]

    await eventually(is_published)
    assert (await plane.client.delete(f"{topics}/cars")).status_code == 204
    assert (await plane.client.delete(f"{topics}/cars")).status_code == 404


async def test_another_s_topic_is_shared_by_a_grant(plane, team, clusters, interlock):
    lender = f"l{team}"
    await plane.client.post("/api/v1/virtual-clusters", json={"name": lender})
    await create_and_wait(clusters.main, f"{lender}bikes", partitions=2)
    wish = ("alias", "create", team, "borrowed", f"{lender}bikes", "--read-only")
    code, _, errors = await interlock(plane, *wish)
    assert (code, f"interlock grant give {lender} bikes {team}" in errors) == (1, True)
    assert (await interlock(plane, "grant", "give", lender, "bikes", team))[0] == 0
    assert (await interlock(plane, *wish))[0] == 0
    _, output, _ = await interlock(plane, "alias", "list", team, "-o", "json")
    (alias,) = json.loads(output)["items"]
    assert (alias["logical"], alias["readOnly"], alias["partitions"]) == ("borrowed", True, 2)
    _, output, _ = await interlock(plane, "grant", "list", lender, "-o", "json")
    assert json.loads(output)["items"] == [{"logical": "bikes", "grantee": team, "access": "read"}]
    assert (await interlock(plane, "grant", "revoke", lender, "bikes", team))[0] == 0
    aliases = await plane.client.get(f"/api/v1/virtual-clusters/{team}/aliases")
    assert aliases.json() == {"items": []}
    code, _, errors = await interlock(plane, "alias", "delete", team, "borrowed")
    assert (code, "has no alias borrowed" in errors) == (1, True)
