"""One secret for each node: what a stolen one can do, on a real control plane."""

import asyncpg
import httpx
import pytest

from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.fake_node import NODE_TOKEN, FakeNode

pytestmark = pytest.mark.environment


async def issue(plane: Running, node_id: str) -> str:
    answer = await plane.client.post(f"/api/v1/nodes/{node_id}/tokens")
    assert answer.status_code == 201
    return answer.json()["token"]


async def said(plane: Running, token: str, method: str, path: str, body=None) -> tuple[int, str]:
    """A control plane's answer to whoever shows a token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{plane.url}/internal/v1", headers=headers) as client:
        answer = await client.request(method, path, json=body)
        problem = answer.headers["content-type"].startswith("application/problem+json")
        return answer.status_code, answer.json()["detail"] if problem else ""


async def registers(plane: Running, token: str, node_id: str) -> tuple[int, str]:
    return await said(plane, token, "PUT", f"/nodes/{node_id}", {"incarnation": "thief"})


async def shown(plane: Running) -> dict[str, str | None]:
    nodes = (await plane.client.get("/api/v1/nodes")).json()["items"]
    return {node["nodeId"]: node["tokenId"] for node in nodes}


async def test_a_token_speaks_for_its_node_alone(variables):
    async with in_process(variables) as plane:
        first, second = await issue(plane, "n1"), await issue(plane, "n2")
        async with FakeNode("n1", plane.url, token=first).running() as node:
            for method, path, body in (
                ("PUT", "/nodes/n1", {"incarnation": "thief"}),
                ("POST", "/nodes/n1/topic-changes", {"changes": []}),
                ("PUT", "/nodes/invented", {"incarnation": "thief"}),
            ):
                status, detail = await said(plane, second, method, path, body)
                assert (status, "of node n2" in detail) == (403, True), path
            status, detail = await registers(plane, NODE_TOKEN, "n1")
            assert (status, "shown a token of its own" in detail) == (403, True)
            assert (await said(plane, second, "GET", "/control/records"))[0] == 200
            assert (await node.report()).refusal != "thief"
            assert await shown(plane) == {"n1": first.split("~")[1]}
        async with FakeNode("n1", plane.url, token=first).running() as restarted:
            await eventually(lambda: _serves(restarted))


async def _serves(node: FakeNode) -> bool:
    return node.granted


async def test_a_revoked_token_is_good_for_nothing(variables):
    async with in_process(variables) as plane:
        token = await issue(plane, "n1")
        assert (await registers(plane, token, "n1"))[0] == 200
        assert (await registers(plane, NODE_TOKEN, "n1"))[0] == 403
        assert (await plane.client.delete("/api/v1/nodes/n1/tokens")).status_code == 204
        status, detail = await registers(plane, token, "n1")
        assert (status, "INTERLOCK_NODE_TOKEN" in detail) == (401, True)
        assert (await plane.client.delete("/api/v1/nodes/n1/tokens")).status_code == 404
        # Without a token of its own it is as it was before it had one.
        assert (await registers(plane, NODE_TOKEN, "n1"))[0] == 200
        events = (await plane.client.get("/api/v1/events", params={"kind": "node"})).json()
        assert token.split("~")[2] not in str(events)


async def test_a_node_that_lives_is_not_replaced_by_who_shows_the_shared_token(variables):
    async with in_process(variables) as plane:
        node = FakeNode("n1", plane.url)
        async with node.running():
            await eventually(lambda: _serves(node))
            status, detail = await registers(plane, NODE_TOKEN, "n1")
            assert (status, "another process is node n1" in detail) == (409, True)
            assert await shown(plane) == {"n1": None}

        async def is_let_in() -> bool:
            return (await registers(plane, NODE_TOKEN, "n1"))[0] == 200

        await eventually(is_let_in)


async def test_the_shared_token_can_be_refused(variables):
    async with in_process(variables, INTERLOCK_SHARED_NODE_TOKEN="false") as plane:
        status, detail = await registers(plane, NODE_TOKEN, "n1")
        assert (status, "interlock node-token issue" in detail) == (403, True)
        assert (await said(plane, NODE_TOKEN, "GET", "/control/records"))[0] == 403
        assert (await registers(plane, await issue(plane, "n1"), "n1"))[0] == 200


async def test_no_token_is_issued_while_a_control_plane_of_an_older_release_runs(
    variables, database_url
):
    async with in_process(variables) as plane:
        session = {"application_name": "interlock reads log.reconciled"}
        older = await asyncpg.connect(database_url, server_settings=session)
        answer = await plane.client.post("/api/v1/nodes/n1/tokens")
        assert (answer.status_code, "older release" in answer.json()["detail"]) == (409, True)
        await older.close()
        await issue(plane, "n1")


async def test_a_topic_of_no_virtual_cluster_is_not_un_mapped(variables):
    async with in_process(variables) as plane:
        token = await issue(plane, "n1")
        deleted = {"vcluster": "", "logical": "foreign"}
        status, detail = await said(plane, token, "DELETE", "/nodes/n1/topics", deleted)
        assert (status, "no virtual cluster" in detail) == (404, True)


async def test_the_commands_issue_and_revoke(variables, interlock):
    async with in_process(variables) as plane:
        code, output, _ = await interlock(plane, "node-token", "issue", "n1")
        assert (code, (await registers(plane, output.strip(), "n1"))[0]) == (0, 200)
        code, output, _ = await interlock(plane, "nodes", "list")
        assert (code, "token" in output) == (0, True)
        assert (await interlock(plane, "node-token", "revoke", "n1"))[0] == 0
        assert (await interlock(plane, "node-token", "revoke", "n1"))[0] == 1
