"""Every role against every call: what it may not do is refused before anything is asked."""

import base64

import pytest
from litestar.testing import TestClient
from structlog.testing import capture_logs

from controlplane.users import Role, User
from tests.controlplane.api.roles_page import PAGE, Call, application, calls, page
from tests.controlplane.console.browser import FORM_TOKEN

USERS = tuple(User(username=role, password=f"{role} password", role=role) for role in Role)
APP = application(USERS)
"""It has no database and no cluster: nothing can be changed, and whoever is let through fails."""
CALLS = sorted(calls(APP))
DENIED = "do not have permission"


@pytest.fixture(scope="module")
def client():
    with TestClient(APP, raise_server_exceptions=False) as running, capture_logs():
        running.follow_redirects = False
        yield running


def basic(user: User) -> str:
    return "Basic " + base64.b64encode(f"{user.username}:{user.password}".encode()).decode()


def log_in(client: TestClient, user: User) -> str:
    """Begin a session of the console; what its forms show."""
    client.cookies.clear()
    visit = FORM_TOKEN.search(client.get("/console/log-in").text)[1]
    fields = {"form_token": visit, "username": user.username, "password": user.password}
    assert client.post("/console/log-in", data=fields).status_code == 303
    return FORM_TOKEN.search(client.get("/console/audit?until=x").text)[1]


def answered(client: TestClient, call: Call, user: User):
    """What a user gets."""
    if call.path.startswith(("/api", "/admin")):
        client.cookies.clear()
        return client.request(call.method, call.concrete, headers={"Authorization": basic(user)})
    token = log_in(client, user)
    if call.method == "GET":
        return client.get(call.concrete, params={"until": "x"})
    return client.post(call.concrete, data={"form_token": token})


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.username)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_who_may_do_it_is_let_through_and_nobody_else(client, call, user):
    answer = answered(client, call, user)
    if user.may.covers(call.needs):
        assert answer.status_code not in {401, 403}
    else:
        assert (answer.status_code, DENIED in answer.text) == (403, True)
        assert f"has the role {user.username}, this takes {call.needs}" in answer.text


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_without_a_user_nobody_is_let_through(client, call):
    client.cookies.clear()
    answer = client.request(call.method, call.concrete)
    assert answer.status_code == 401 or answer.headers["location"].startswith("/console/log-in")


def test_no_call_was_forgotten():
    """Whatever is not in the table is open to all on purpose, or for nodes."""
    named = {call.path for call in CALLS}
    others = {route.path for route in APP.routes} - named
    unguarded = {
        path for path in others if not path.startswith(("/internal/", "/schema", "/console/assets"))
    }
    health = {"/health", "/health/live", "/health/ready"}
    ways_in = {"/console/log-in", "/console/sign-on", "/console/signed-on"}
    assert unguarded == {*ways_in, "/metrics", *health}


def test_the_page_is_what_holds():
    assert PAGE.read_text() == page(), "run `python -m tests.controlplane.api.roles_page`"
