"""Which events somebody looks for, as a statement that reads no more of the log than it must."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from controlplane.domain.log import kinds_of

_CLOCKS_APART: Final = timedelta(hours=1)
"""How far the database's clock may have gone back, by a step or with another server: whoever looks
for a time looks at the events around it one by one."""

_FIRST_SINCE = sa.text("""
    WITH RECURSIVE halved (low, high) AS (
      SELECT CAST(0 AS bigint), seq + 1 FROM interlock.event_head
      UNION ALL
      SELECT CASE WHEN found.is_later THEN low ELSE middle END,
             CASE WHEN found.is_later THEN middle ELSE high END
        FROM halved
       CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS half
       CROSS JOIN LATERAL (
         SELECT coalesce((SELECT recorded_at FROM interlock.event WHERE seq <= middle
                           ORDER BY seq DESC LIMIT 1)
                         >= CAST(:moment AS timestamptz) + :off, false) AS is_later) AS found
       WHERE high - low > 1
    )
    SELECT min(high) FROM halved
""")
"""An event recorded at a moment, moved by `off`, or later, while the one before it was not."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Which events to look for; None means any."""

    after: int = 0
    until: int | None = None
    since: datetime | None = None
    before: datetime | None = None
    kind: str | None = None
    """A whole kind, or the part before its dot."""
    kinds: tuple[str, ...] | None = None
    """Any of these whole kinds."""
    actor: str | None = None
    subject: str | None = None
    """A stream."""
    limit: int = 1000
    newest_first: bool = False


async def within_its_times(connection: AsyncConnection, wanted: Search) -> Search:
    """The same, bounded by numbers, so that not all events have to be asked for their times."""
    after, until = wanted.after, wanted.until
    if wanted.since is not None:
        first = await _first_since(connection, wanted.since, -_CLOCKS_APART)
        after = max(after, first - 1)
    if wanted.before is not None:
        last = await _first_since(connection, wanted.before, _CLOCKS_APART)
        until = last if until is None else min(until, last)
    return msgspec.structs.replace(wanted, after=after, until=until)


async def _first_since(connection: AsyncConnection, moment: datetime, off: timedelta) -> int:
    values = {"moment": moment, "off": off}
    found: int = (await connection.execute(_FIRST_SINCE, values)).scalar_one()
    return found


def conditions(wanted: Search) -> tuple[str, Mapping[str, Any]]:
    """What the events have to fulfil: only what is asked for, so that its index is used.

    Returns:
        a condition in SQL, and the values in it.
    """
    asked: dict[str, dict[str, Any]] = {
        "seq > :after": {"after": wanted.after},
        "seq <= :until": {"until": wanted.until},
        "recorded_at >= :since": {"since": wanted.since},
        "recorded_at <= :before": {"before": wanted.before},
        "type = ANY(:kinds)": {"kinds": kinds_of(wanted.kind) if wanted.kind else None},
        "type = ANY(:any_of)": {"any_of": wanted.kinds and list(wanted.kinds)},
        "actor = :actor": {"actor": wanted.actor},
        "stream = :subject": {"subject": wanted.subject},
    }
    found = {sql: value for sql, value in asked.items() if None not in value.values()}
    values = {name: one for value in found.values() for name, one in value.items()}
    return " AND ".join(found), values
