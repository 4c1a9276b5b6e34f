"""Fills an event log quickly, and so that its chain holds: as its owner, past the trigger."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

import asyncpg

from controlplane.domain.event import Event
from controlplane.domain.log import data_of

AT_ONCE = 20_000
START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS_APART = 20
"""When the events were recorded: a million are more than half a year."""

_GIVEN = """
CREATE UNLOGGED TABLE IF NOT EXISTS interlock.given
  (place bigint PRIMARY KEY, event_id uuid, stream text, version integer, type text, data text);
TRUNCATE interlock.given;
ALTER TABLE interlock.event DISABLE TRIGGER USER;
"""
_CHAINED = f"""
DO $$
DECLARE
  head interlock.event_head;
  given interlock.given;
  made interlock.event;
BEGIN
  SELECT * INTO head FROM interlock.event_head;
  FOR given IN SELECT * FROM interlock.given ORDER BY place LOOP
    head.seq := head.seq + 1;
    made := ROW(head.seq, given.event_id, given.stream, given.version, given.type, 1,
      given.data::jsonb, 'user:admin', NULL, NULL, NULL,
      timestamptz '{START.isoformat()}' + head.seq * interval '{SECONDS_APART} s', head.hash, NULL);
    made.hash := sha256(made.prev_hash || convert_to(interlock.event_canonical(made), 'UTF8'));
    INSERT INTO interlock.event SELECT made.*;
    head.hash := made.hash;
  END LOOP;
  UPDATE interlock.event_head SET seq = head.seq, hash = head.hash;
  TRUNCATE interlock.given;
END $$;
"""
_DONE = """
ALTER TABLE interlock.event ENABLE TRIGGER USER;
DROP TABLE interlock.given;
ANALYZE interlock.event;
"""


async def fill(url: str, events: Iterable[Event], versions: Counter[str]) -> None:
    """Append events to the log of a database that is migrated.

    Args:
        url: of the database, as the user that owns the log.
        events: which can follow what is there.
        versions: how many there are of each stream; brought up to date.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_GIVEN)
        rest = iter(events)
        while some := list(islice(rest, AT_ONCE)):
            rows = _rows(some, versions)
            await connection.copy_records_to_table("given", records=rows, schema_name="interlock")
            await connection.execute(_CHAINED)
        await connection.execute(_DONE)
    finally:
        await connection.close()


def _rows(events: Iterable[Event], versions: Counter[str]) -> Iterator[tuple[Any, ...]]:
    for place, event in enumerate(events):
        versions[event.stream] += 1
        version = versions[event.stream]
        yield place, uuid4(), event.stream, version, event.kind, data_of(event)
