"""Policies, rights and limits over the API and on the command line."""

import json

import pytest

from tests.controlplane.conftest import in_process

pytestmark = pytest.mark.environment

TEAM = "/api/v1/virtual-clusters/teamA"
POLICY = {
    "topics": {"partitions": {"default": 3, "max": 6}, "maxTopics": 5},
    "accountLimits": {"connections": 7},
}


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        await running.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        yield running


async def test_a_policy_is_laid_down_and_reaches_the_nodes(plane):
    assert (await plane.client.get(f"{TEAM}/policy")).json() == {"topics": {}}
    answer = await plane.client.put(f"{TEAM}/policy", json=POLICY)
    assert (answer.status_code, answer.json()) == (200, POLICY)
    assert (await plane.client.get(f"{TEAM}/policy")).json() == POLICY
    records = (await plane.client.get("/api/v1/state")).json()["records"]
    assert records["vcluster/teamA"]["policy"] == POLICY


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        ({"topics": {"colour": "red"}}, "colour"),
        ({"topics": {"partitions": {"default": "x"}}}, "int"),
        ({"topics": {"partitions": {"default": 9, "max": 3}}}, "must be 1 to 3"),
        ({"topics": {"configs": {"retention.ms": {"max": 5}}}}, "give a default"),
        ({"topics": {"namePattern": "("}}, "no regular expression"),
        (
            {"topics": {"namePattern": "(?!tmp).*"}},
            "no regular expression that RE2 takes (invalid perl operator: (?!)",
        ),
        ({"accountLimits": {"connections": 0}}, "1 or more"),
        ([], ""),
    ],
)
async def test_a_policy_that_makes_no_sense_is_a_problem(plane, policy, part):
    answer = await plane.client.put(f"{TEAM}/policy", json=policy)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert part in answer.json()["detail"]
    assert (await plane.client.get(f"{TEAM}/policy")).json() == {"topics": {}}


async def test_an_account_is_restricted(plane):
    body = {"readOnly": True, "limits": {"produceBytesPerSecond": 1000}}
    answer = await plane.client.put(f"{TEAM}/accounts/sa", json=body)
    assert answer.status_code == 200
    (account,) = (await plane.client.get(f"{TEAM}/accounts")).json()["items"]
    assert (account["readOnly"], account["limits"]) == (True, body["limits"])
    assert (await plane.client.put(f"{TEAM}/accounts/a b", json=body)).status_code == 400
    nobody = "/api/v1/virtual-clusters/nobody"
    assert (await plane.client.put(f"{nobody}/accounts/sa", json=body)).status_code == 404
    assert (await plane.client.get(f"{nobody}/policy")).status_code == 404


async def test_the_same_on_the_command_line(plane, interlock, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("topics: {maxTopics: 3}\n")
    code, output, _ = await interlock(plane, "vcluster", "policy", "set", "teamA", str(file))
    assert (code, json.loads(output)) == (0, {"topics": {"maxTopics": 3}})
    file.write_text("topics: [")
    code, _, errors = await interlock(plane, "vcluster", "policy", "set", "teamA", str(file))
    assert (code, "neither YAML nor JSON" in errors) == (2, True)
    code, output, _ = await interlock(plane, "account", "restrict", "teamA", "sa", "--read-only")
    assert (code, json.loads(output)["readOnly"]) == (0, True)
