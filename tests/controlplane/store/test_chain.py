"""The hash chain: what was tampered with is named."""

import asyncio
import hashlib
import sys

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.events import VirtualClusterCreated
from controlplane.store.chain import GENESIS, Link, Walk, verify
from controlplane.store.event_store import Attribution, EventStore


def chain(texts: list[str]) -> list[Link]:
    links, previous = [], GENESIS
    for seq, text in enumerate(texts, 1):
        digest = hashlib.sha256(previous + text.encode()).digest()
        links.append(Link(seq, previous, digest, text))
        previous = digest
    return links


texts = st.lists(st.text(max_size=5), min_size=1, max_size=8)


@given(texts)
def test_an_intact_chain_has_no_bad_link(written):
    assert Walk().first_bad(chain(written)) is None


@given(texts, st.data())
def test_a_changed_link_is_named(written, data):
    links = chain(written)
    at = data.draw(st.integers(0, len(links) - 1))
    bad = links[at]
    links[at] = Link(bad.seq, bad.prev_hash, bad.hash, bad.canonical + "x")
    assert Walk().first_bad(links) == bad.seq


@given(texts.filter(lambda written: len(written) > 1), st.data())
def test_a_missing_link_is_named(written, data):
    links = chain(written)
    at = data.draw(st.integers(0, len(links) - 2))
    del links[at]
    assert Walk().first_bad(links) == at + 1


TAMPERINGS = [
    ("UPDATE interlock.event SET actor = 'user:innocent' WHERE seq = 3", 3),
    ("UPDATE interlock.event SET data = '{}' WHERE seq = 1", 1),
    ("UPDATE interlock.event SET recorded_at = now() WHERE seq = 2", 2),
    ("DELETE FROM interlock.event WHERE seq = 4", 4),
    ("DELETE FROM interlock.event WHERE seq = 5", 5),
    ("DELETE FROM interlock.event", 1),
]


@pytest.mark.environment
@pytest.mark.parametrize(("statement", "first_bad"), TAMPERINGS)
async def test_a_tampered_log_names_its_first_bad_event(engine, statement, first_bad):
    store, by = EventStore(engine), Attribution(actor="user:test")
    events = [VirtualClusterCreated(name=n, scope="main", cluster_id="x") for n in "abcde"]
    await store.append(events, {}, by)
    assert (await verify(engine)).first_bad is None
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        for trigger in ("event_no_rewrite", "event_no_truncate"):
            await connection.execute(
                sa.text(f"ALTER TABLE interlock.event DISABLE TRIGGER {trigger}")
            )
        await connection.execute(sa.text(statement))
    verdict = await verify(engine)
    assert (verdict.events, verdict.first_bad) == (5, first_bad)


@pytest.mark.environment
async def test_of_a_long_log_some_events_are_in_memory_at_a_time(engine, monkeypatch):
    store, by, fetched = EventStore(engine), Attribution(actor="user:test"), []
    event = VirtualClusterCreated(name="a", scope="main", cluster_id="x")
    await store.append([event] * 900, {}, by)
    fetch = asyncpg.cursor.Cursor.fetch

    async def noted(self, n, **options):
        rows = await fetch(self, n, **options)
        fetched.append(len(rows))
        return rows

    monkeypatch.setattr(asyncpg.cursor.Cursor, "fetch", noted)
    assert (await verify(engine)).first_bad is None
    assert sum(fetched) == 900
    assert max(fetched) <= 200


@pytest.mark.environment
async def test_the_command_names_the_first_bad_event_of_a_copy(engine, database_url):
    event = VirtualClusterCreated(name="a", scope="main", cluster_id="x")
    await EventStore(engine).append([event], {}, Attribution(actor="user:test"))

    async def command():
        words = ("-m", "interlock", "audit", "verify", "--database", database_url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    assert (await command())[0] == 0
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        await connection.execute(
            sa.text("ALTER TABLE interlock.event DISABLE TRIGGER event_no_rewrite")
        )
        await connection.execute(sa.text("UPDATE interlock.event SET reason = 'x'"))
    code, output = await command()
    assert code == 1
    assert output.startswith("event 1 is not as it was written")
