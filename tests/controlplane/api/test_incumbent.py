"""The incumbent's API v1, as scripts use it; every bad input gets a clear answer."""

import jwt
import pytest

from tests.controlplane.conftest import in_process
from tests.controlplane.fake_node import FakeNode
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment

TOKEN = "/admin/vclusters/v1/vcluster/{}/username/{}"
SWITCH = "/admin/pclusters/v1/pcluster/{}/switch"
NO_PERMISSION = "You do not have permission to call this API, please contact your administrator."


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        yield running


async def test_tokens_virtual_clusters_and_topics(plane):
    body = {"lifeTimeSeconds": 7776000}
    answer = await plane.client.post(TOKEN.format("teamA", "sa"), json=body)
    assert answer.status_code == 201
    assert list(answer.json()) == ["token"]
    token = answer.json()["token"]
    assert jwt.get_unverified_header(token) == {"alg": "HS256"}
    claims = jwt.decode(token, bytes(32), algorithms=["HS256"])
    assert (claims["username"], claims["vcluster"]) == ("sa", "teamA")
    assert claims["exp"] - claims["iat"] == 7776000

    answer = await plane.client.get("/admin/vclusters/v1")
    assert answer.text == '{"vclusters":["teamA"]}'

    topics = "/admin/vclusters/v1/vcluster/teamA/topics"
    assert (await plane.client.get(topics)).status_code == 404
    node = FakeNode("n1", plane.url)
    async with node.running():
        await node.create_topic("teamA", "users")
    answer = await plane.client.get(topics)
    assert [t["physicalTopicName"] for t in answer.json()] == ["teamAusers"]
    assert (await plane.client.delete(topics)).status_code == 204
    assert (await plane.client.delete(topics)).status_code == 404


async def test_bad_requests_for_tokens(plane):
    async def post(path: str, content: str):
        headers = {"Content-Type": "application/json"}
        answer = await plane.client.post(path, content=content, headers=headers)
        return answer.status_code, answer.json()["message"]

    good = '{"lifeTimeSeconds": 60}'
    await plane.client.post(TOKEN.format("teamA", "sa"), content=good)
    status, message = await post(TOKEN.format("team", "sa"), good)
    assert status == 409
    assert "overlaps with virtual cluster teamA" in message
    for content in ("", "{", "[]", '{"lifeTimeSeconds": "x"}', '{"lifeTimeSeconds": 0}'):
        status, message = await post(TOKEN.format("teamB", "sa"), content)
        assert status == 400, content
        assert message
    assert (await post(TOKEN.format("te%20am", "sa"), good))[0] == 400


async def test_credentials(plane):
    for auth, status in [(None, 401), (("admin", "x"), 401), (("nobody", "x"), 401)]:
        answer = await plane.client.get("/admin/vclusters/v1", auth=auth)
        assert answer.status_code == status
    headers = {"Authorization": "Basic %%"}
    answer = await plane.client.get("/admin/vclusters/v1", headers=headers, auth=None)
    assert answer.status_code == 401
    answer = await plane.client.delete(
        "/admin/vclusters/v1/vcluster/teamA/topics", auth=("joe", "joe")
    )
    told = " (joe has the role viewer, this takes admin)"
    assert (answer.status_code, answer.json()) == (403, {"message": NO_PERMISSION + told})


async def test_a_physical_cluster_is_shown_as_it_is_reached(plane, clusters):
    answer = await plane.client.get("/admin/pclusters/v1/pcluster/main")
    assert answer.json() == {"bootstrap.servers": clusters.main}
    answer = await plane.client.get("/admin/pclusters/v1/pcluster/nope")
    assert answer.status_code == 400


async def test_a_switch_moves_every_node_and_the_next_call_changes_nothing(variables):
    async with (
        in_process(variables) as one,
        in_process(variables) as two,
        serving_nodes(one, two) as nodes,
    ):
        for plane in (one, two):
            answer = await plane.client.post(SWITCH.format("main"), params={"to": "failover"})
            assert (answer.status_code, answer.text) == (200, '{"message":"Cluster switched"}')
        requested = {"kind": "switch.requested"}
        events = await one.client.get("/api/v1/events", params=requested)
        assert len(events.json()["items"]) == 1
        assert [node.history[-1] for node in nodes] == [("failover", 1)] * 2


async def test_bad_switches(plane):
    async def post(scope: str, **params: str):
        answer = await plane.client.post(SWITCH.format(scope), params=params)
        return answer.status_code, answer.json()["message"]

    assert await post("main", to="main") == (200, "Cluster switched")
    for scope, params in [
        ("main", {"to": "nope"}),
        ("nope", {"to": "main"}),
        ("main", {}),
        ("main", {"to": "failover", "wait": "maybe"}),
    ]:
        status, message = await post(scope, **params)
        assert status == 400, (scope, params)
        assert message
