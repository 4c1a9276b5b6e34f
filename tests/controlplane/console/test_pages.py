"""Every page on a real control plane: shown to all users, with what was done on it."""

import re
from contextlib import AsyncExitStack

import pytest

from tests.controlplane.conftest import in_process
from tests.controlplane.console.browser import logged_in, send
from tests.controlplane.nodes import serving_nodes

pytestmark = pytest.mark.environment

PAGES = (
    "/",
    "/console/switch",
    "/console/switch?mode=forced",
    "/console/switches",
    "/console/virtual-clusters",
    "/console/nodes",
    "/console/mirror",
    "/console/audit",
    "/console/audit?kind=vcluster",
    "/console/audit/chain",
)
TENANTS = "/console/virtual-clusters"
HOSTILE = '<script>alert(1)</script>\u202e"'
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e&#34;"


@pytest.fixture
async def plane(variables):
    async with in_process(variables) as running:
        yield running


@pytest.fixture
async def browsers(plane):
    """One of an administrator, one of a viewer."""
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(logged_in(plane.url, "admin", "conduktor")),
            await stack.enter_async_context(logged_in(plane.url, "joe", "joe")),
        )


async def test_what_a_person_does_in_an_hour(plane, browsers, unique_name):
    """One control plane for all of it: each step finds what the one before has left."""
    admin, joe = browsers
    async with serving_nodes(plane) as nodes:
        await _a_tenant_is_made_and_its_account_revoked(plane, admin, unique_name)
        await nodes[0].create_topic(unique_name, "orders")
        await _a_switch_is_refused_with_a_sentence(admin)
        await _a_tenant_of_another_scope_is_made(plane, admin, f"other{unique_name}")
        switch_id = await _a_switch_is_forced_and_watched(admin, joe, "main")
        await _a_switch_is_forced_and_watched(admin, joe, "wave1")
        await _every_page_is_shown(browsers, unique_name, switch_id)
    await _the_log_is_turned_over_page_by_page(admin, unique_name)


async def _a_tenant_is_made_and_its_account_revoked(plane, admin, name):
    tenants = await admin.get(TENANTS)
    refused = await send(admin, tenants, TENANTS, name="a b")
    assert (refused.status_code, "be a virtual cluster&#39;s name" in refused.text) == (400, True)
    made = await send(admin, tenants, TENANTS, name=name)
    assert (made.status_code, made.headers["location"]) == (303, f"{TENANTS}/{name}")
    tenant = await admin.get(f"{TENANTS}/{name}")

    for days in ("0", "-1", "x", "1" * 9, ""):
        answer = await send(admin, tenant, f"{TENANTS}/{name}/tokens", account="sa", days=days)
        assert (answer.status_code, "1 to 99999 days" in answer.text) == (400, True)
    with_token = await send(admin, tenant, f"{TENANTS}/{name}/tokens", account="sa", days="1")
    assert with_token.status_code == 201
    (token,) = re.findall(r"<textarea[^>]*>([\w.-]+)</textarea>", with_token.text)
    assert token not in (await admin.get(f"{TENANTS}/{name}")).text
    assert token not in (await plane.client.get("/api/v1/events")).text

    revoke = f"{TENANTS}/{name}/accounts/sa/revoke"
    assert (await send(admin, with_token, revoke)).status_code == 303
    (account,) = (await plane.client.get(f"/api/v1/virtual-clusters/{name}/accounts")).json()[
        "items"
    ]
    assert account["revokedAt"]


async def _a_tenant_of_another_scope_is_made(plane, admin, name):
    assert '<select id="scope"' not in (await admin.get("/console/switch")).text
    tenants = await admin.get(TENANTS)
    assert (await send(admin, tenants, TENANTS, name=name, scope="wave1")).status_code == 303
    made = (await plane.client.get(f"/api/v1/virtual-clusters/{name}")).json()
    assert made["scope"] == "wave1"


async def _a_switch_is_refused_with_a_sentence(admin):
    page = await admin.get("/console/switch?mode=forced")
    forced = {"to": "failover", "mode": "forced", "reason": "x", "epoch": "0"}
    for fields, status, sentence in (
        (forced, 400, "type the words `accept loss`"),
        (forced | {"accept": "accept loss", "reason": ""}, 400, "give `reason`"),
        (forced | {"accept": "accept loss", "epoch": "7"}, 412, ""),
        (forced | {"accept": "accept loss", "epoch": "x"}, 400, "no number"),
        (forced | {"accept": "accept loss", "to": "main"}, 409, "main"),
        ({"to": "nope"}, 400, "nope"),
    ):
        answer = await send(admin, page, "/console/switches", **fields)
        assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
        assert 'role="alert"' in answer.text


async def _a_switch_is_forced_and_watched(admin, joe, scope):
    page = await admin.get(f"/console/switch?mode=forced&to=failover&scope={scope}")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert (fields["mode"], fields["scope"]) == ("forced", scope)
    fields |= {"reason": HOSTILE, "accept": "Accept loss"}
    fields.pop("form_token")
    started = await send(admin, page, "/console/switches", **fields)
    assert started.status_code == 303, started.text
    again = await send(admin, page, "/console/switches", **fields)
    where = started.headers["location"]
    assert again.headers["location"] == where

    watched = await joe.get(f"{where}/live", headers={"Accept": "text/event-stream"})
    kinds = re.findall(r"event: (\w+)", watched.text)
    assert (set(kinds), kinds[-1]) == ({"fragment", "end"}, "end")
    assert f"Switch of {scope}: main to failover" in watched.text
    ended = (await joe.get(where)).text
    assert "data-live" not in ended
    assert "Abort the switch" not in ended
    assert ended.count(SHOWN) >= 1
    aborted = await send(admin, page, f"{where}/abort", reason="late")
    assert aborted.status_code == 409
    assert (await send(admin, page, f"{where}/abort", reason=" ")).status_code == 400
    return where.rpartition("/")[2]


async def _every_page_is_shown(browsers, name, switch_id):
    seen = {}
    for browser in browsers:
        for path in (*PAGES, f"{TENANTS}/{name}", f"/console/switches/{switch_id}"):
            answer = await browser.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
            assert "<script>" not in answer.text
            assert "\u202e" not in answer.text
            for label in re.findall(r'<label for="([^"]+)"', answer.text):
                assert answer.text.count(f'id="{label}"') == 1, (path, label)
            assert answer.text.count("<h1>") == 1, path
            seen[path] = answer.text
            assert answer.text.count("<main") == answer.text.count("</main>") == 1
    _, joe = browsers
    for path in (TENANTS, f"{TENANTS}/{name}", "/console/switch"):
        assert seen[path].count('method="post"') == 1, "only to log out, as joe saw it last"
    assert (await joe.get("/console/switches/nope")).status_code == 404
    assert (await joe.get(f"{TENANTS}/nope")).status_code == 404


async def _the_log_is_turned_over_page_by_page(admin, name):
    path, seen = "/console/audit?", []
    while path is not None:
        text = (await admin.get(path)).text
        seen += [int(seq) for seq in re.findall(r'<th scope="row" class="number">(\d+)</th>', text)]
        older = re.search(r'href="(/console/audit\?[^"]+)">Older', text)
        path = older[1].replace("&amp;", "&") if older else None
    assert seen == list(range(seen[0], 0, -1))
    filtered = (await admin.get("/console/audit", params={"subject": f"vcluster/{name}"})).text
    assert filtered.count('<th scope="row"') == 1
    assert "Intact" in (await admin.get("/console/audit/chain")).text


async def test_the_overview_tells_of_the_replica_as_it_is_looked_at(plane, browsers):
    _, joe = browsers
    found: dict[str, str] = {}
    async with (
        serving_nodes(plane),
        joe.stream("GET", "/console/overview/live", timeout=60) as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data: ") and (part := re.search(r'"id":"(\w+)"', line)):
                found[part[1]] = line
            looked = found.keys() >= {"serving", "fleet", "readiness", "replication"}
            if looked and not any("Looking at both" in html for html in found.values()):
                break
    assert "main" in found["serving"]
    assert "n0" in found["fleet"]
    assert "holds everything" in found["replication"] or "record" in found["replication"]
    assert "go" in found["readiness"].lower()
