"""The event log: append, read, search. Numbers, hashes and times are given by the database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils import uuid7

from controlplane.domain.event import Event, Recorded
from controlplane.domain.log import data_of, event_of
from controlplane.store.event_search import Search, conditions, within_its_times
from controlplane.store.jsonb import from_jsonb, to_jsonb


class StreamMovedError(Exception):
    """Somebody else appended to the stream first; what was decided may no longer hold."""


class Head(msgspec.Struct, frozen=True):
    """Where the log ends."""

    log: str
    seq: int


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it and why: stands with every event."""

    actor: str
    """`user:NAME`, `node:ID` or `system:PART`."""
    reason: str | None = None
    request_id: UUID | None = None


_COLUMNS = (
    "seq, event_id, stream, version, type, CAST(data AS text) AS data, actor, reason, recorded_at,"
    " hash"
)

_INSERT = sa.text(
    "INSERT INTO interlock.event (event_id, stream, version, type, data, actor, reason, request_id)"
    " SELECT event_id, stream, version, type, CAST(data AS jsonb), CAST(:actor AS text),"
    " CAST(:reason AS text), CAST(:request_id AS uuid)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:streams AS text[]), CAST(:versions AS integer[]),"
    " CAST(:types AS text[]), CAST(:data AS text[]))"
    " WITH ORDINALITY AS given (event_id, stream, version, type, data, place) ORDER BY place"
    " RETURNING seq, recorded_at, hash"
)
"""All of them at once: the trigger gives each its number in the order of `place`."""
_TAIL = sa.text(
    f"SELECT {_COLUMNS} FROM interlock.event"  # noqa: S608 - the columns are ours
    " WHERE seq > :after ORDER BY seq LIMIT :limit"
)


class EventStore:
    """Reads and writes the log."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def head(self) -> Head:
        """Where the log ends now."""
        async with self._engine.connect() as connection:
            statement = sa.text("SELECT log_id, seq FROM interlock.event_head")
            row = (await connection.execute(statement)).one()
            return Head(str(row.log_id), row.seq)

    async def hash_at(self, seq: int) -> bytes | None:
        """The hash of an event; None if the log has no such event."""
        async with self._engine.connect() as connection:
            return await hash_at(connection, seq)

    async def read(self, after: int, limit: int = 5000) -> list[Recorded]:
        """The next events after a `seq`."""
        async with self._engine.connect() as connection:
            return await tail(connection, after, limit)

    async def seconds_since(self, moment: datetime) -> float:
        """How long ago something was recorded, by the clock that recorded it."""
        statement = sa.text(
            "SELECT extract(epoch FROM clock_timestamp() - CAST(:moment AS timestamptz))"
        )
        async with self._engine.connect() as connection:
            return float((await connection.execute(statement, {"moment": moment})).scalar_one())

    async def search(self, wanted: Search) -> list[Recorded]:
        """Events that fit, oldest first, unless they are wanted the other way round."""
        order = "DESC" if wanted.newest_first else "ASC"
        async with self._engine.connect() as connection:
            bounded = await within_its_times(connection, wanted)
            condition, values = conditions(bounded)
            statement = sa.text(
                f"SELECT {_COLUMNS} FROM interlock.event"  # noqa: S608 - all of it is ours
                f" WHERE {condition} ORDER BY seq {order} LIMIT :limit"
            )
            rows = await connection.execute(statement, {**values, "limit": wanted.limit})
            return [_recorded(row) for row in rows]

    async def append(
        self, events: Sequence[Event], expected: Mapping[str, int], by: Attribution
    ) -> list[Recorded]:
        """Append several events at once, or none of them.

        Args:
            events: what happened, oldest first.
            expected: by stream, the number of events it must have now; 0 where none is given.
            by: who, and why.

        Raises:
            StreamMovedError: a stream has another number of events.
        """
        async with self._engine.begin() as connection:
            return await append(connection, events, expected, by)

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[tuple[AsyncConnection, Head]]:
        """A transaction that no other append can overtake: decide and append within."""
        async with self._engine.begin() as connection:
            statement = sa.text("SELECT log_id, seq FROM interlock.lock_log()")
            row = (await connection.execute(statement)).one()
            yield connection, Head(str(row.log_id), row.seq)


async def hash_at(connection: AsyncConnection, seq: int) -> bytes | None:
    """The hash of an event, on a connection at hand; None if the log has no such event."""
    statement = sa.text("SELECT hash FROM interlock.event WHERE seq = :seq")
    found: bytes | None = (await connection.execute(statement, {"seq": seq})).scalar()
    return found


async def clock(connection: AsyncConnection) -> datetime:
    """What time it is by the clock that events are recorded with."""
    now: datetime = (await connection.execute(sa.text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def tail(connection: AsyncConnection, after: int, limit: int = 5000) -> list[Recorded]:
    """The next events after a `seq`, on a connection at hand."""
    rows = await connection.execute(_TAIL, {"after": after, "limit": limit})
    return [_recorded(row) for row in rows]


async def append(
    connection: AsyncConnection,
    events: Sequence[Event],
    expected: Mapping[str, int],
    by: Attribution,
) -> list[Recorded]:
    """Append within the transaction at hand, which should end right after it.

    Raises:
        StreamMovedError: a stream has another number of events than expected.
    """
    if not events:
        return []
    versions = dict(expected)
    given = []
    for event in events:
        version = versions[event.stream] = versions.get(event.stream, 0) + 1
        given.append((UUID(bytes=uuid7().bytes), version, event))
    return [
        Recorded(
            seq=row.seq,
            event_id=event_id,
            version=version,
            event=event,
            actor=by.actor,
            reason=by.reason,
            recorded_at=row.recorded_at,
            hash=row.hash,
        )
        for row, (event_id, version, event) in zip(
            await _insert(connection, given, by), given, strict=True
        )
    ]


async def _insert(
    connection: AsyncConnection, given: Sequence[tuple[UUID, int, Event]], by: Attribution
) -> Sequence[sa.Row[Any]]:
    values = {
        "ids": [event_id for event_id, _, _ in given],
        "streams": [event.stream for _, _, event in given],
        "versions": [version for _, version, _ in given],
        "types": [event.kind for _, _, event in given],
        "data": [to_jsonb(data_of(event)) for _, _, event in given],
        "actor": by.actor,
        "reason": by.reason,
        "request_id": by.request_id,
    }
    try:
        return (await connection.execute(_INSERT, values)).all()
    except IntegrityError as error:
        if "event_stream_version_key" not in str(error.orig):
            raise
        which = getattr(getattr(error.orig, "__cause__", None), "detail", None)
        raise StreamMovedError(f"somebody appended first: {which or error.orig}") from error


def _recorded(row: sa.Row[Any]) -> Recorded:
    # Taken apart at once: a column by its name costs as much as all of it.
    seq, event_id, _, version, kind, data, actor, reason, recorded_at, hash_ = list(row)
    return Recorded(
        seq=seq,
        event_id=event_id,
        version=version,
        event=event_of(kind, from_jsonb(data)),
        actor=actor,
        reason=reason,
        recorded_at=recorded_at,
        hash=hash_,
    )
