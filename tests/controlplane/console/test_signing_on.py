"""Logging in to the console at an issuer's, a real one: by the way that browsers go."""

import shutil
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest
from playwright.async_api import async_playwright, expect

from tests.controlplane.conftest import Running, in_process
from tests.controlplane.console.browser import send
from tests.controlplane.issuers import CLIENT, Provider

pytestmark = pytest.mark.environment

CHROMIUM = shutil.which("chromium")


@pytest.fixture
async def plane(variables, issuer: Provider) -> AsyncIterator[Running]:
    told = {"INTERLOCK_OIDC_CLIENT_ID": CLIENT, "INTERLOCK_OIDC_CLIENT_SECRET": "secret"}
    async with in_process(variables | {"INTERLOCK_OIDC_ISSUER": issuer.url} | told) as running:
        yield running


@pytest.fixture
async def browser(plane: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=plane.url, timeout=60) as opened:
        yield opened


async def at_the_issuer(browser: httpx.AsyncClient, user: str, next_page: str = "/") -> str:
    """Log in there; where the browser is sent back to."""
    sent = await browser.get("/console/sign-on", params={"next": next_page})
    assert sent.status_code == HTTPStatus.SEE_OTHER
    answer = await browser.post(sent.headers["location"], data={"sub": user})
    return str(answer.headers["location"])


async def test_a_session_begins_with_the_role_that_the_issuer_gives(browser: httpx.AsyncClient):
    assert "/console/sign-on" in (await browser.get("/console/log-in")).text
    logged_in = await browser.get(await at_the_issuer(browser, "olga", "/console/nodes"))
    assert logged_in.status_code == HTTPStatus.OK
    assert 'content="0; url=/console/nodes"' in logged_in.text
    page = await browser.get("/console/virtual-clusters")
    assert page.status_code == HTTPStatus.OK
    assert "olga" in page.text
    switch = await browser.get("/console/switch")
    denied = await send(browser, switch, "/console/virtual-clusters", name="acme")
    assert denied.status_code == HTTPStatus.FORBIDDEN
    assert "olga has the role operator, this takes admin" in denied.text


async def test_the_way_back_is_good_in_the_browser_that_went_and_once(
    browser: httpx.AsyncClient, plane: Running
):
    back = await at_the_issuer(browser, "olga")
    async with httpx.AsyncClient() as another:
        refused = await another.get(back)
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert "was not begun in this browser" in refused.text
    assert (await browser.get(back)).status_code == HTTPStatus.OK
    again = await browser.get(back)
    assert again.status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    ("user", "said"),
    [("eve", "gives no role"), ("joe", "joe is the name of a user with a password here")],
)
async def test_who_may_do_nothing_here_is_told_why(
    browser: httpx.AsyncClient, user: str, said: str
):
    refused = await browser.get(await at_the_issuer(browser, user))
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert said in refused.text
    assert (await browser.get("/")).headers["location"].startswith("/console/log-in")


@pytest.mark.parametrize(
    "made_up",
    ["?error=access_denied&state={state}", "?code=made-up&state={state}", "?code=made-up", ""],
)
async def test_made_up_answers_let_nobody_in(browser: httpx.AsyncClient, made_up: str):
    sent = await browser.get("/console/sign-on")
    state = httpx.URL(sent.headers["location"]).params["state"]
    refused = await browser.get("/console/signed-on" + made_up.format(state=state))
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert (await browser.get("/")).status_code == HTTPStatus.SEE_OTHER


async def test_the_next_page_is_ours(browser: httpx.AsyncClient):
    back = await at_the_issuer(browser, "olga", "//elsewhere.example/")
    assert 'content="0; url=/"' in (await browser.get(back)).text


async def test_an_issuer_that_is_away_is_named(variables):
    told = {"INTERLOCK_OIDC_ISSUER": "http://localhost:1", "INTERLOCK_OIDC_CLIENT_ID": CLIENT}
    async with in_process(variables | told) as plane:
        answer = await plane.client.get("/console/sign-on")
    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert "INTERLOCK_OIDC_ISSUER cannot be asked" in answer.text


async def test_without_an_issuer_there_is_no_such_way(variables):
    async with in_process(variables) as plane:
        assert "sign-on" not in (await plane.client.get("/console/log-in")).text
        assert (await plane.client.get("/console/sign-on")).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
async def test_a_person_goes_there_and_comes_back(plane: Running):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.goto(f"{plane.url}/console/nodes")
        await page.get_by_role("link", name="Log in with the company's account").click()
        await page.get_by_role("button", name="olga").click()
        await expect(page).to_have_url(f"{plane.url}/console/nodes")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nodes")
        await browser.close()
