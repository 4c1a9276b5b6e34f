"""A log that was written anew with its chain, or cut short, on real Postgres: anchors show it."""

import json

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer

from contract.codec import encode
from contract.records import CONTROL_TOPIC, Beacon, Record
from controlplane.store.database import open_engine
from tests.controlplane.conftest import eventually, in_process

pytestmark = pytest.mark.environment

WRITTEN_ANEW = """
    DO $$
    DECLARE before bytea; e interlock.event;
    BEGIN
      UPDATE interlock.event SET actor = 'user:innocent' WHERE seq = 2;
      SELECT hash INTO before FROM interlock.event WHERE seq = 1;
      FOR e IN SELECT * FROM interlock.event WHERE seq > 1 ORDER BY seq LOOP
        UPDATE interlock.event SET prev_hash = before, hash =
          sha256(before || convert_to(interlock.event_canonical(e), 'UTF8')) WHERE seq = e.seq;
        SELECT hash INTO before FROM interlock.event WHERE seq = e.seq;
      END LOOP;
      UPDATE interlock.event_head SET hash = before;
    END $$
"""
CUT_SHORT = """
    DO $$
    DECLARE last bigint;
    BEGIN
      SELECT max(seq) INTO last FROM interlock.event;
      DELETE FROM interlock.event WHERE seq = last;
      UPDATE interlock.event_head SET seq = last - 1,
        hash = (SELECT hash FROM interlock.event WHERE seq = last - 1);
    END $$
"""


async def tamper(database_url: str, statement: str) -> None:
    """As the owner of the database, who can do all that triggers and roles forbid."""
    engine = open_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE NONE"))
        await connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        await connection.execute(sa.text(statement))
    await engine.dispose()


@pytest.fixture
def audited(interlock):
    """Runs a command of the audit; its exit code, and all that it says."""

    async def command(plane, *words: str):
        code, output, errors = await interlock(plane, "audit", *words)
        return code, output + errors

    return command


@pytest.mark.parametrize(
    ("statement", "seen"),
    [(WRITTEN_ANEW, "was written anew"), (CUT_SHORT, "it was cut short")],
    ids=["written anew", "cut short"],
)
async def test_a_log_that_its_owner_changed_is_found(
    variables, database_url, audited, tmp_path, statement, seen
):
    kept = tmp_path / "anchors.jsonl"
    async with in_process(variables) as plane:
        await plane.client.post("/api/v1/virtual-clusters", json={"name": "teamA"})

        async def is_anchored() -> bool:
            found = (await plane.client.get("/api/v1/audit/topic")).json()
            return found["newest"] == (await plane.client.get("/api/v1/audit/anchor")).json()["seq"]

        await eventually(is_anchored)
        kept.write_text((await audited(plane, "anchor"))[1])
        for where in ("topic", str(kept)):
            assert (await audited(plane, "verify", "--against", where))[0] == 0
        await tamper(database_url, statement)
        code, told = await audited(plane, "verify")
        assert (code, "all as they were written" in told) == (0, True)
        head = json.loads(kept.read_text())["seq"]
        for words in (
            ("--against", "topic"),
            ("--against", str(kept)),
            ("--against", str(kept), "--database", database_url),
        ):
            code, told = await audited(plane, "verify", *words)
            assert (code, seen in told) == (1, True), (words, told)
        assert f"event {head} " in told


async def test_who_has_not_the_key_anchors_nothing(variables, clusters):
    async with in_process(variables) as plane:
        here = (await plane.client.get("/api/v1/audit/anchor")).json()
        forged = Beacon(seq=2, digest="d", hash="00" * 32, signature="00" * 32)
        record = Record(log=here["log"], seq=2, key="beacon", state=forged)
        before = (await plane.client.get("/api/v1/audit/topic")).json()
        async with AIOKafkaProducer(bootstrap_servers=clusters.failover) as producer:
            await producer.send_and_wait(CONTROL_TOPIC, encode(record), key=b"beacon")
        after = (await plane.client.get("/api/v1/audit/topic")).json()
        assert after["unproved"] == before["unproved"] + 1
        assert after["mismatch"] is None


async def test_a_file_that_holds_no_anchor_proves_nothing(variables, audited, tmp_path):
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.touch()
    broken.write_text("{}\n")
    async with in_process(variables) as plane:
        code, told = await audited(plane, "verify", "--against", str(empty))
        assert (code, "no anchor" in told) == (1, True)
        code, told = await audited(plane, "verify", "--against", str(broken))
        assert (code, "line 1" in told) == (2, True)
