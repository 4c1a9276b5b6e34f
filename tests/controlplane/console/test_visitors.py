"""Who may look and who may change: for every route that there is, without a server behind them."""

import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from litestar.testing import TestClient

from controlplane.api.app import create_app
from controlplane.api.failed_logins import FREE
from controlplane.console.rendering import HERE
from controlplane.plane import ControlPlane
from controlplane.users import User
from tests.controlplane.console.browser import FORM_TOKEN

ADMIN = User(username="admin", password="conduktor", admin=True)
JOE = User(username="joe", password="joe")
KEY = bytes(32)
SETTINGS = SimpleNamespace(admin_users=(ADMIN, JOE), token_key=KEY, issuer=None, signs_on_at=None)


def app_without_servers():
    """Of a control plane that has its settings: others are refused before anything is asked."""
    plane = ControlPlane.__new__(ControlPlane)
    plane.settings = SETTINGS
    return create_app(plane)


APP = app_without_servers()
ROUTES = sorted(
    (method, route.path)
    for route in APP.routes
    for handler in getattr(route, "route_handlers", ())
    for method in handler.http_methods & {"GET", "POST", "PUT", "DELETE", "PATCH"}
    if (route.path == "/" or route.path.startswith("/console")) and "assets" not in route.path
)
LOG_IN, LOG_OUT = "/console/log-in", "/console/log-out"
FORMS = [path for method, path in ROUTES if method == "POST" and path not in {LOG_IN, LOG_OUT}]
TO_THE_ISSUER = {"/console/sign-on", "/console/signed-on"}
PAGES = [
    path for method, path in ROUTES if method == "GET" and path not in {LOG_IN, *TO_THE_ISSUER}
]
FOREIGN = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w.-]+""")


@contextmanager
def browsing(url="http://testserver.local"):
    with TestClient(app_without_servers(), base_url=url) as running:
        running.follow_redirects = False
        yield running


@pytest.fixture
def browser():
    """Nobody has logged in, here or ever."""
    with browsing() as running:
        yield running


def concrete(path):
    return path.replace("{", "").replace(":str}", "")


def log_in(browser, user):
    """Send the form of the log-in; the answer, and what other forms show in this session."""
    token = FORM_TOKEN.search(browser.get(LOG_IN).text)[1]
    fields = {"form_token": token, "username": user.username, "password": user.password}
    return browser.post(LOG_IN, data=fields | {"next": "/console/switch"})


def form_token_of(browser):
    """By a page that is shown to everybody who has logged in, even without a database: an error."""
    return FORM_TOKEN.search(browser.get("/console/audit?until=x").text)[1]


def test_there_are_such_routes():
    assert "/console/switches" in FORMS
    assert "/" in PAGES
    assert {method for method, _ in ROUTES} == {"GET", "POST"}


@pytest.mark.parametrize("path", PAGES)
def test_nobody_looks_without_having_logged_in(browser, path):
    answer = browser.get(concrete(path), params={"x": "1"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/log-in?next=%2F")
    stream = browser.get(concrete(path), headers={"Accept": "text/event-stream"})
    assert stream.status_code == 401


@pytest.mark.parametrize("path", FORMS)
def test_nobody_changes_anything_without_the_right_to(browser, path):
    assert browser.post(concrete(path)).status_code == 401
    log_in(browser, JOE)
    answer = browser.post(concrete(path), data={"form_token": form_token_of(browser)})
    assert (answer.status_code, "do not have permission" in answer.text) == (403, True)


@pytest.mark.parametrize("path", [*FORMS, LOG_OUT])
def test_a_form_that_is_not_ours_changes_nothing(browser, path):
    log_in(browser, ADMIN)
    session = browser.cookies["interlock_console"]
    other = form_token_of(browser)
    log_in(browser, ADMIN)
    for fields in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": other}):
        answer = browser.post(concrete(path), data=fields)
        assert (answer.status_code, "not written for the session" in answer.text) == (403, True)
    files = {"form_token": ("token", form_token_of(browser))}
    assert browser.post(concrete(path), files=files).status_code == 403
    assert browser.cookies["interlock_console"] not in {"", session}


def test_the_form_of_the_log_in_is_bound_to_the_browser(browser):
    fields = {"username": "admin", "password": "conduktor"}
    assert browser.post(LOG_IN, data=fields).status_code == 401
    page = browser.get(LOG_IN)
    assert browser.post(LOG_IN, data=fields).status_code == 403
    browser.cookies.clear()
    browser.get(LOG_IN)
    token = FORM_TOKEN.search(page.text)[1]
    assert browser.post(LOG_IN, data=fields | {"form_token": token}).status_code == 403


def test_the_cookie_of_a_session_is_for_this_host_and_no_script(browser):
    answer = log_in(browser, ADMIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/switch")
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if c.startswith("interlock_con")]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    with browsing("https://testserver.local") as secure:
        cookies = log_in(secure, ADMIN).headers.get_list("set-cookie")
    assert all("Secure" in one for one in cookies)


def test_a_cookie_that_was_touched_is_none(browser):
    log_in(browser, ADMIN)
    cookie = browser.cookies["interlock_console"]
    browser.cookies.clear()
    for touched in (cookie[:-5] + "AAAAA", cookie.partition(".")[0], "", "x"):
        answer = browser.get("/", headers={"Cookie": f"interlock_console={touched}"})
        assert answer.status_code == 303


def test_a_session_ends_by_logging_out(browser):
    log_in(browser, JOE)
    answer = browser.post(LOG_OUT, data={"form_token": form_token_of(browser)})
    assert (answer.status_code, answer.headers["location"]) == (303, LOG_IN)
    assert browser.get("/").status_code == 303


def test_wrong_passwords_are_told_and_then_waited_for(browser):
    wrong = User(username="admin", password="nope")
    answer = log_in(browser, wrong)
    assert (answer.status_code, "User name or password is wrong." in answer.text) == (401, True)
    assert "interlock_console" not in browser.cookies
    for _ in range(FREE - 1):
        log_in(browser, wrong)
    answer = log_in(browser, ADMIN)
    assert (answer.status_code, "too many wrong passwords" in answer.text) == (429, True)
    assert int(answer.headers["Retry-After"]) > 0
    # By Basic authentication it is the same user, from the same place.
    assert browser.get("/api/v1/nodes", auth=("admin", "nope")).status_code == 429


@pytest.mark.parametrize("there", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
def test_after_the_log_in_nobody_is_sent_to_another_host(browser, there):
    token = FORM_TOKEN.search(browser.get(LOG_IN, params={"next": there}).text)[1]
    fields = {"form_token": token, "username": "joe", "password": "joe", "next": there}
    assert browser.post(LOG_IN, data=fields).headers["location"] == "/"


def test_every_page_loads_from_this_host_alone(browser):
    log_in(browser, ADMIN)
    for path in (LOG_IN, "/console/audit?until=x", "/schema"):
        answer = browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not FOREIGN.findall(answer.text)
    for file in HERE.rglob("*.*"):
        if file.suffix in {".html", ".css", ".js", ".svg"}:
            assert not FOREIGN.findall(file.read_text().replace("// ", "")), file
            assert " style=" not in file.read_text()


@pytest.mark.parametrize("name", ["console.css", "live.js", "mark.svg"])
def test_style_and_script_are_there_for_everybody(browser, name):
    answer = browser.get(f"/console/assets/{name}")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_api_is_described_to_whoever_has_logged_in(browser):
    assert browser.get("/schema").status_code == 401
    log_in(browser, JOE)
    page = browser.get("/schema").text
    assert "/api/v1/switches" in page
    assert "/internal" not in page
    assert browser.get("/schema/openapi.json").status_code == 200
