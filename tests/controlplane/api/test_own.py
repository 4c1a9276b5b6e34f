"""Our own API: every error is a problem that says what to do, every answer what was asked for."""

from datetime import UTC, datetime

import pytest

from tests.controlplane.conftest import in_process
from tests.controlplane.fake_node import FakeNode
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment

API = "/api/v1"


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        yield running


BAD_INPUT = [
    ("GET", "/api/v1/nope", "", 404),
    ("GET", "/nope", "", 404),
    ("PATCH", "/api/v1/switches", "", 405),
    ("POST", "/api/v1/switches", "{", 400),
    ("POST", "/api/v1/switches", "[]", 400),
    ("POST", "/api/v1/switches", '{"toCluster": 7}', 400),
    ("POST", "/api/v1/switches", '{"toCluster": "failover", "colour": "red"}', 400),
    ("POST", "/api/v1/switches", '{"toCluster": "nope"}', 400),
    ("POST", "/api/v1/switches", '{"toCluster": "failover", "scope": "nope"}', 404),
    ("POST", "/api/v1/switches", '{"toCluster": "main"}', 409),
    ("GET", "/api/v1/switches/nope", "", 404),
    ("GET", "/api/v1/switches/nope/events", "", 404),
    ("POST", "/api/v1/switches/nope/abort", '{"reason": "x"}', 404),
    ("POST", "/api/v1/virtual-clusters", '{"name": "a b"}', 400),
    ("DELETE", "/api/v1/virtual-clusters/nope", "", 404),
    ("POST", "/api/v1/virtual-clusters/nope/accounts/sa/tokens", '{"lifetimeSeconds": 1}', 404),
    ("POST", "/api/v1/virtual-clusters/nope/accounts/sa/revoke", "", 404),
    ("POST", "/api/v1/nodes/nope/forget", "", 404),
    ("GET", "/api/v1/events?limit=0", "", 400),
    ("GET", "/api/v1/events?since=yesterday", "", 400),
    ("GET", "/api/v1/events?since=2026-01-01T00:00:00", "", 400),
    ("GET", "/api/v1/state?asOf=tomorrow", "", 400),
    ("GET", f"/api/v1/state?asOf={'9' * 5000}", "", 400),
    ("GET", f"/api/v1/state?asOf={2**63}", "", 400),
    ("GET", f"/api/v1/events?after={2**63}", "", 400),
    ("GET", "/api/v1/events?subject=%00", "", 400),
    ("GET", "/api/v1/events?since=0001-01-01T00:00:00%2B14:00", "", 400),
    ("POST", "/api/v1/switches", r'{"toCluster": "failover", "reason": "\u0000"}', 400),
    ("POST", "/api/v1/switches", r'{"toCluster": "failover", "reason": "\ud800"}', 400),
    ("POST", "/api/v1/switches", "[" * 900_000, 400),
    ("POST", "/api/v1/switches", " " * 1_000_001, 413),
]


async def test_bad_input_is_a_problem(plane):
    for method, path, content, status in BAD_INPUT:
        headers = {"Content-Type": "application/json"} if content else {}
        answer = await plane.client.request(method, path, content=content, headers=headers)
        asked = f"{method} {path} {content}"
        assert answer.status_code == status, asked
        assert answer.headers["content-type"].startswith("application/problem+json"), asked
        problem = answer.json()
        assert problem["status"] == status, asked
        assert problem["detail"], asked
        assert "Traceback" not in answer.text, asked


async def test_who_may_call(plane):
    for auth, status in [(None, 401), (("joe", "joe"), 403)]:
        answer = await plane.client.post(f"{API}/control-topic/rebuild", auth=auth)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("application/problem+json")
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await plane.client.get("/internal/v1/control/records", headers=headers, auth=None)
        assert answer.status_code == 401


async def test_a_key_makes_a_repeated_request_the_same_switch(plane):
    async with serving_nodes(plane):
        headers = {"Idempotency-Key": "k1"}
        body = {"toCluster": "failover", "mode": "forced", "reason": "a drill", "acceptLoss": True}

        async def ask(body):
            return await plane.client.post(f"{API}/switches", json=body, headers=headers)

        first, second = await ask(body), await ask(body)
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.headers["location"] == second.headers["location"]
        assert (await ask(body | {"mode": "planned"})).status_code == 422
        watched = await plane.client.get(first.headers["location"] + "/events")
        assert "event: switch.completed" in watched.text


async def test_what_is_forced_needs_a_reason_and_consent(plane):
    forced = {"toCluster": "failover", "mode": "forced"}
    for body in (forced, forced | {"reason": "fire"}, forced | {"acceptLoss": True}):
        answer = await plane.client.post(f"{API}/switches", json=body)
        assert answer.status_code == 400
        assert "loses what the target does not hold" in answer.json()["detail"]
    assert (await plane.client.get(f"{API}/switches")).json() == {"items": []}


async def test_what_is_waived_needs_a_reason(plane):
    waiving = {"toCluster": "failover", "waive": ["orders-3", "a\nb"]}
    answer = await plane.client.post(f"{API}/switches", json=waiving)
    assert answer.status_code == 400
    assert 'of what is waived (orders-3, "a\\nb"): give `reason`' in answer.json()["detail"]
    assert (await plane.client.get(f"{API}/switches")).json() == {"items": []}


async def test_a_switch_may_depend_on_the_epoch(plane):
    body = {"toCluster": "failover"}
    answer = await plane.client.post(f"{API}/switches", json=body, headers={"If-Match": "7"})
    assert answer.status_code == 412
    answer = await plane.client.post(f"{API}/switches", json=body, headers={"If-Match": "x"})
    assert answer.status_code == 400


async def test_the_state_can_be_seen_as_of_an_event_and_a_time(plane, unique_name):
    await plane.client.post(f"{API}/virtual-clusters", json={"name": "teamA"})
    seq = (await plane.client.get(f"{API}/state")).json()["seq"]
    await plane.client.post(f"{API}/virtual-clusters", json={"name": unique_name})

    async def names(as_of: str | None = None):
        params = {"asOf": as_of} if as_of else {}
        records = (await plane.client.get(f"{API}/state", params=params)).json()["records"]
        return {key for key in records if key.startswith("vcluster/")}

    assert await names() == {"vcluster/teamA", f"vcluster/{unique_name}"}
    assert await names(str(seq)) == {"vcluster/teamA"}
    assert await names("2020-01-01T00:00:00Z") == set()
    assert await names(datetime.now(UTC).isoformat()) == await names()


async def test_a_revoked_account_gets_tokens_that_are_newer_than_the_revocation(plane):
    await plane.client.post(f"{API}/virtual-clusters", json={"name": "teamA"})
    tokens = f"{API}/virtual-clusters/teamA/accounts/sa/tokens"
    answer = await plane.client.post(tokens, json={"lifetimeSeconds": 60})
    assert answer.status_code == 201
    token = answer.json()["token"]
    await plane.client.post(f"{API}/virtual-clusters/teamA/accounts/sa/revoke")
    events = (await plane.client.get(f"{API}/events")).text
    assert "account.token_issued" in events
    assert token not in events
    (account,) = (await plane.client.get(f"{API}/virtual-clusters/teamA/accounts")).json()["items"]
    assert account["revokedAt"]


async def test_a_node_that_leaves_is_waited_for_no_more(plane):
    node = FakeNode("n1", plane.url)
    async with node.running():
        (shown,) = (await plane.client.get(f"{API}/nodes")).json()["items"]
        assert shown["nodeId"] == "n1"
        node.mute = True
        await node.report(leaving=True)
    assert (await plane.client.get(f"{API}/nodes")).json()["items"] == []


async def test_metrics_name_the_active_cluster(plane):
    text = (await plane.client.get("/metrics")).text
    assert 'interlock_active_cluster{cluster="main",scope="main"} 1.0' in text
    assert 'interlock_switches_total{outcome="completed"} 0.0' in text


async def test_the_api_describes_itself(plane):
    described = (await plane.client.get("/schema/openapi.json")).json()
    assert "/api/v1/switches" in described["paths"]
    assert not [path for path in described["paths"] if path.startswith("/internal")]
