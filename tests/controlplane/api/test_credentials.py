"""Passwords and external names over the API: what is answered, and what never is."""

import pytest

from tests.controlplane.conftest import in_process

pytestmark = pytest.mark.environment

ACCOUNTS = "/api/v1/virtual-clusters/teamA/accounts"
PASSWORD = f"{ACCOUNTS}/sa/password"
NAMES = f"{ACCOUNTS}/sa/external-names"


@pytest.fixture
async def client(variables):
    async with in_process(variables) as running:
        created = await running.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})
        assert created.status_code == 201
        yield running.client


async def test_a_password_is_shown_once_and_leaves_no_trace(client):
    answer = await client.post(PASSWORD, json={})
    assert answer.status_code == 200
    made = answer.json()
    assert made["username"] == "sa@teamA"
    assert len(made["password"]) > 30
    assert made["mechanisms"] == ["SCRAM-SHA-256", "SCRAM-SHA-512"]
    chosen = await client.post(PASSWORD, json={"password": "chosen by the caller"})
    assert chosen.json()["password"] is None
    (listed,) = (await client.get(ACCOUNTS)).json()["items"]
    assert listed["hasPassword"] is True
    for path in ("/api/v1/events", "/api/v1/state", ACCOUNTS):
        text = (await client.get(path)).text
        assert "iterations" in text or path == ACCOUNTS
        for secret in (made["password"], "chosen by", "stored_key", "server_key", "salt"):
            assert secret not in text, (path, secret)


async def test_external_names_belong_to_one_account(client):
    answer = await client.put(NAMES, json={"externalNames": ["app", "CN=app,O=Example"]})
    assert answer.json()["externalNames"] == ["app", "CN=app,O=Example"]
    taken = await client.put(f"{ACCOUNTS}/sb/external-names", json={"externalNames": ["app"]})
    assert taken.status_code == 409
    assert "'app' is account sa of virtual cluster teamA already" in taken.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", PASSWORD, {"password": "short"}, 400),
        ("POST", PASSWORD, {"password": 7}, 400),
        ("POST", PASSWORD.replace("teamA", "nope"), {}, 404),
        ("POST", PASSWORD.replace("sa/", "s a/"), {}, 400),
        ("PUT", NAMES, {"externalNames": [""]}, 400),
        ("PUT", NAMES, {}, 400),
    ],
)
async def test_what_cannot_be_is_a_problem(client, method, path, body, status):
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "short" not in answer.text
