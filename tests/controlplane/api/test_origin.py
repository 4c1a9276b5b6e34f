"""Every call that changes something, as a page of another site would have a browser send it."""

from types import SimpleNamespace
from typing import Any

import pytest
from litestar.testing import TestClient

from controlplane.api.app import create_app
from controlplane.users import User

JOE = User(username="joe", password="joe")
APP = create_app(SimpleNamespace(settings=SimpleNamespace(admin_users=(JOE,))))  # type: ignore[arg-type] # refused before it is asked
CHANGES = sorted(
    (method, route.path, "data" in handler.parsed_fn_signature.parameters)
    for route in APP.routes
    for handler in getattr(route, "route_handlers", ())
    for method in handler.http_methods - {"GET", "HEAD", "OPTIONS"}
    if not route.path.startswith("/internal/")
)
WITH_BODY = [(method, path) for method, path, wants_json in CHANGES if wants_json]
ELSEWHERE = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.local:81"},
    {"Origin": "http://[", "Sec-Fetch-Site": "none"},
)
HERE: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver.local"},
    {"Origin": "http://TESTSERVER.local:80"},
)


@pytest.fixture(scope="module")
def client():
    with TestClient(APP) as running:
        yield running


def asked(client: Any, method: str, path: str, headers: dict[str, str], **body: Any) -> Any:
    concrete = path.replace("{", "").replace(":str}", "")
    return client.request(method, concrete, headers=headers, **body)


def test_there_are_such_calls():
    assert ("POST", "/admin/pclusters/v1/pcluster/{pcluster:str}/switch", False) in CHANGES
    assert ("POST", "/api/v1/switches", True) in CHANGES


@pytest.mark.parametrize(("method", "path", "wants_json"), CHANGES)
def test_what_comes_from_elsewhere_is_refused(client, method, path, wants_json):
    body = {"json": {}} if wants_json else {}
    for headers in ELSEWHERE:
        answer = asked(client, method, path, headers, **body)
        assert (answer.status_code, "another site" in answer.text) == (403, True), headers
    for headers in HERE:
        # Past this guard: only the password is missing.
        assert asked(client, method, path, headers, **body).status_code == 401, headers


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_a_body_is_json_or_refused(client, method, path):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = asked(client, method, path, {"Content-Type": kind}, content=b"{}")
        assert answer.status_code == 415, kind
    for kind in ("application/json", "Application/JSON; charset=utf-8", None):
        headers = {"Content-Type": kind} if kind else {}
        answer = asked(client, method, path, headers, content=b"{}")
        assert answer.status_code == 401, kind
    assert asked(client, method, path, {}).status_code == 401


PAGES = ("", "/openapi.json", "/redoc", "/swagger", "/elements", "/rapidoc")


def test_no_page_of_this_host_runs_scripts_of_others(client):
    described = client.get("/schema/openapi.json", auth=("joe", "joe"))
    assert described.headers["content-type"].startswith("application/vnd.oai.openapi")
    for page in PAGES:
        assert "<script" not in client.get(f"/schema{page}", auth=("joe", "joe")).text


@pytest.mark.parametrize("page", PAGES)
def test_the_api_is_described_to_its_users_alone(client, page):
    assert client.get(f"/schema{page}").status_code in {401, 404}
    somebody = (f"joe{page}", "wrong")  # who guesses often has to wait
    assert client.get(f"/schema{page}", auth=somebody).status_code in {401, 404}
