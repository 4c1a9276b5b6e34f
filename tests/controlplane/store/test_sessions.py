"""Leases: earned by what was applied, judged by the log alone (rule C2)."""

import pytest
import sqlalchemy as sa

from contract.session import NodeReport
from controlplane.domain.events import (
    NodeDeregistered,
    NodeRegistered,
    ScopeOpened,
    TokenIssued,
)
from controlplane.domain.projection import ROUTING_KINDS
from controlplane.domain.switch.events import FenceOrdered
from controlplane.store.event_store import Attribution, EventStore
from controlplane.store.sessions import _REPORT, Sessions
from tests.controlplane.domain.switch.ways import requested

pytestmark = pytest.mark.environment

BY = Attribution(actor="user:test")
REGISTERED = NodeRegistered(node_id="n1", incarnation="i1")
OPENED = ScopeOpened(scope="main", cluster="main")


def report(applied_seq: int = 2, incarnation: str = "i1", **changes) -> NodeReport:
    return NodeReport(
        incarnation=incarnation, applied_seq=applied_seq, digest="", scopes={}, **changes
    )


@pytest.fixture
async def store(engine):
    store = EventStore(engine)
    await store.append([OPENED, REGISTERED], {}, BY)
    return store


async def test_a_node_that_saw_the_newest_routing_gets_a_lease(engine, store):
    grant = await Sessions(engine).report("n1", report(1))
    assert (grant.granted, grant.fence_seq, grant.head_seq) == (True, 1, 2)


async def test_a_fence_withholds_leases_from_those_who_have_not_seen_it(engine, store):
    request = requested(mode="forced", budget_s=1, mirror_budget_s=1)
    await store.append([request, FenceOrdered(switch_id="s", participants=())], {}, BY)
    sessions = Sessions(engine)
    assert not (await sessions.report("n1", report(3))).granted
    assert (await sessions.report("n1", report(4))).granted


@pytest.mark.parametrize(
    "refused",
    [report(0), report(incarnation="i0"), report(leaving=True), report(unreadable="new kind")],
    ids=["behind", "replaced", "leaving", "cannot read"],
)
async def test_no_lease(engine, store, refused):
    assert not (await Sessions(engine).report("n1", refused)).granted


async def test_an_unknown_node_gets_no_lease_and_leaves_no_trace(engine, store):
    sessions = Sessions(engine)
    grant = await sessions.report("n2", report())
    assert (grant.granted, grant.incarnation) == (False, None)
    assert await sessions.newest() == {}


async def test_a_deregistered_node_gets_no_lease(engine, store):
    gone = NodeDeregistered(node_id="n1", incarnation="i1", cause="left")
    await store.append([gone], {"node/n1": 1}, BY)
    assert not (await Sessions(engine).report("n1", report())).granted


async def test_the_newest_report_is_kept(engine, store):
    sessions = Sessions(engine)
    await sessions.report("n1", report(1))
    await sessions.report("n1", report(2))
    newest = (await sessions.newest())["n1"]
    assert newest.report == report(2)
    assert newest.age.total_seconds() < 10


async def test_a_report_reads_no_more_of_a_log_in_which_nothing_was_switched_for_long(
    engine, store
):
    token = TokenIssued(vcluster="a", name="b", token_id="c", issued_at=1, expires_at=2)
    await store.append([token] * 2000, {}, BY)
    values = {"node_id": "n1", "incarnation": "i1", "applied_seq": 2, "log": None}
    explained = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {_REPORT.text}")
    async with engine.connect() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        await connection.execute(sa.text("ANALYZE interlock.event"))
        found = await connection.execute(
            explained,
            {**values, "willing": True, "report": "{}", "routing": list(ROUTING_KINDS)},
        )
        (plan,) = found.scalar_one()
    assert sum(rows_read(plan["Plan"])) <= 4 * len(ROUTING_KINDS)


def rows_read(node):
    """Of the log, by each part of a plan."""
    if node.get("Relation Name") == "event":
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield rows * node["Actual Loops"]
    for part in node.get("Plans", ()):
        yield from rows_read(part)
