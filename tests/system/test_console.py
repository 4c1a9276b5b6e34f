"""A person with a browser: from the log-in to the report, in a real Chromium.

`--console-shots FOLDER` keeps pictures of every page there, as docs/console.md shows them.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sandbox.process import wait_until
from tests.system.inspection import inspect
from tests.system.mirrored import halted, mirrored, refusals, turned_to
from tests.system.operator import ADMIN, VIEWER, Operator, end_of

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.environment,
    pytest.mark.timeout(400),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VARIABLES = {"INTERLOCK_SWITCH_BUDGET_S": "60", "INTERLOCK_MIRROR_BUDGET_S": "30"}
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SOON_MS = 60_000


@pytest.fixture(scope="module")
def operator(tmp_path_factory) -> Iterator[Operator]:
    with mirrored(tmp_path_factory.mktemp("console"), VARIABLES) as running:
        yield running
        inspect(running)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Pictures:
    """Of pages, light and dark; kept if somebody wants them."""

    def __init__(self, folder: str | None) -> None:
        self._folder = Path(folder) if folder is not None else None

    def take(self, page: Page, name: str) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=self._folder / f"{name}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def pictures(request) -> Pictures:
    return Pictures(request.config.getoption("--console-shots"))


@pytest.fixture
def person(operator, browser) -> Iterator[Page]:
    """Somebody in front of a page. Nothing goes wrong in it, and nothing comes from elsewhere."""
    context = browser.new_context(
        base_url=operator.url(), viewport=DESK, color_scheme="light", reduced_motion="reduce"
    )
    page = context.new_page()
    trouble, asked = [], []
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    context.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert trouble == []
    assert [url for url in asked if not url.startswith(operator.url())] == []


def log_in(page: Page, who: tuple[str, str]) -> None:
    page.goto("/")
    page.get_by_label("User").fill(who[0])
    page.get_by_label("Password").fill(who[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def go_to(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def standing(page: Page, words: str) -> None:
    """Whether a switch comes to stand so, on a page that nobody loads again."""
    expect(page.locator("#standing .verdict")).to_have_text(words, timeout=SOON_MS)


def produce(operator: Operator, token: str, count: int) -> None:
    client = operator.client("payments") | {"sasl.password": token}
    producer = Producer(client)
    for number in range(count):
        producer.produce("orders", b"%d" % number)
    assert producer.flush(30) == 0


def test_a_person_makes_a_tenant_switches_and_reads_the_report(operator, person, pictures):
    person.goto("/")
    pictures.take(person, "log-in")
    log_in(person, ADMIN)
    a_tenant_is_made(operator, person)
    pictures.take(person, "virtual-cluster")
    go_to(person, "Virtual clusters")
    pictures.take(person, "virtual-clusters")
    it_is_said_that_nothing_would_be_lost(person, pictures)
    onlooker = person.context.new_page()
    onlooker.goto("/")
    the_cluster_is_switched(operator, person, pictures)
    expect(onlooker.locator("#serving .big")).to_have_text("failover", timeout=SOON_MS)
    onlooker.close()
    it_is_seen_who_the_clients_are(person, pictures)
    it_is_read_afterwards(person, pictures)


def a_tenant_is_made(operator: Operator, page: Page) -> None:
    """With an account, whose token is good, a topic, and records that the mirror has."""
    go_to(page, "Virtual clusters")
    page.get_by_role("textbox", name="Name").fill("payments")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("textbox", name="Account").fill("sa")
    page.get_by_role("button", name="Create a token").click()
    token = page.get_by_role("textbox", name="Token").input_value()
    operator.tokens.append(token)
    Operator._create(operator.client("payments") | {"sasl.password": token}, "orders", 1)
    produce(operator, token, 500)
    wait_until(
        lambda: (
            not refusals(operator, "failover")
            and end_of(operator.environment.failover, "paymentsorders") >= 500
        ),
        "the mirror has what was written, and nothing stands in the way",
        90,
    )
    go_to(page, "Virtual clusters")
    page.get_by_role("link", name="payments").click()
    expect(page.get_by_text("paymentsorders")).to_be_visible()


def it_is_said_that_nothing_would_be_lost(page: Page, pictures: Pictures) -> None:
    go_to(page, "Overview")
    expect(page.locator("#readiness .verdict")).to_have_text("Go", timeout=SOON_MS)
    expect(page.locator("#replication .verdict")).to_have_text("0 records", timeout=SOON_MS)
    pictures.take(page, "overview")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    pictures.take(page, "overview-phone")
    page.set_viewport_size(DESK)
    go_to(page, "Nodes")
    expect(page.locator("#nodes .card")).to_have_count(2)
    pictures.take(page, "nodes")
    go_to(page, "Mirror")
    pictures.take(page, "mirror")


def the_cluster_is_switched(operator: Operator, page: Page, pictures: Pictures) -> None:
    go_to(page, "Switch")
    expect(page.locator("#verdict")).to_have_text("Go")
    pictures.take(page, "switch")
    page.get_by_role("textbox", name="Reason").fill("The cluster main is to be upgraded")
    page.get_by_role("button", name="Switch to failover").click()
    standing(page, "Completed")
    report = page.get_by_role("article", name="Report")
    expect(report.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(report).to_contain_text("The cluster main is to be upgraded")
    wait_until(lambda: turned_to(operator, "failover"), "the mirror is turned round", 60)
    page.reload()
    pictures.take(page, "report")


def it_is_seen_who_the_clients_are(page: Page, pictures: Pictures) -> None:
    go_to(page, "Clients")
    of_payments = page.get_by_role("row").filter(has_text="payments").filter(has_text="orders")

    def are_told() -> bool:
        page.reload()
        return of_payments.count() > 0

    wait_until(are_told, "nodes have told who their clients are", 60)
    expect(of_payments.first).to_contain_text("confluent-kafka-python")
    pictures.take(page, "clients")


def it_is_read_afterwards(page: Page, pictures: Pictures) -> None:
    go_to(page, "History")
    expect(page.locator("svg.bar")).to_have_count(1)
    pictures.take(page, "history")
    go_to(page, "Audit")
    page.get_by_role("textbox", name="Kind").fill("switch.committed")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto("/console/audit?kind=switch")
    pictures.take(page, "audit")
    page.get_by_role("link", name="Verify the chain").click()
    expect(page.locator(".verdict")).to_have_text("Intact")
    page.get_by_role("link", name="The API").click()
    expect(page.get_by_role("heading", name="The API")).to_be_visible()
    pictures.take(page, "api")


def test_a_person_aborts_a_switch_that_waits_for_the_mirror(operator, person, pictures):
    page, serving = person, operator.routing()["cluster"]
    log_in(page, ADMIN)
    wait_until(lambda: not refusals(operator, operator.other_cluster()), "nothing hinders", 90)
    go_to(page, "Switch")
    with halted(operator):
        produce(operator, operator.tokens[0], 5000)
        page.get_by_role("textbox", name="Reason").fill("A drill")
        page.get_by_role("button", name="Switch to").click()
        standing(page, "Preparing")
        pictures.take(page, "switch-running")
        page.get_by_role("textbox", name="Reason").fill("It was only a drill")
        page.get_by_role("button", name="Abort the switch").click()
        standing(page, "Aborted")
    expect(page.get_by_role("article", name="Report")).to_contain_text("It was only a drill")
    assert operator.wait_for_agreement()["cluster"] == serving


def test_a_viewer_looks_and_finds_no_button(operator, person):
    log_in(person, VIEWER)
    go_to(person, "Switch")
    expect(person.get_by_text("You may look.")).to_be_visible()
    assert person.get_by_role("button", name="Switch to").count() == 0
    person.get_by_role("button", name="Log out").click()
    expect(person.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_keyboard_is_enough_to_log_in(operator, person):
    person.goto("/console/log-in")
    expect(person.get_by_label("User")).to_be_focused()
    person.keyboard.type(VIEWER[0])
    person.keyboard.press("Tab")
    person.keyboard.type(VIEWER[1])
    person.keyboard.press("Enter")
    expect(person.get_by_role("heading", name="Overview")).to_be_visible()
    person.keyboard.press("Tab")
    expect(person.get_by_role("link", name="Skip to the content")).to_be_focused()
    person.keyboard.press("Enter")
    expect(person.locator("main")).to_be_focused()


def test_the_api_is_described_on_a_page_of_ours(operator, person):
    """With `make console-offline` in a network of nothing but loopback, as all of this file."""
    log_in(person, VIEWER)
    person.goto("/schema")
    expect(person.get_by_role("heading", level=1)).to_be_visible()
    expect(person.get_by_text("/api/v1/switches").first).to_be_visible()
