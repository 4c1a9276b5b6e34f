"""What was last seen of each replica, for the day on which the original does not answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from controlplane.domain.replica import Mark, Troubles, Watched, marks_of, troubles_of
from controlplane.store.jsonb import from_jsonb, to_jsonb


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A scope's cluster and a replica of it."""

    scope: str
    from_cluster: str
    to_cluster: str


class KeptLook(Watched, frozen=True, kw_only=True, omit_defaults=True):
    """A look as its row has it: the marks have rows of their own."""

    troubles: Troubles | None = None
    """What the marks add up to; None of an older release."""


class _Version(NamedTuple):
    """Which look: who kept it, and when by the clock of Postgres."""

    writer: UUID
    at: datetime


_LOOK_AGAIN = sa.text("""
    UPDATE interlock.replica_look SET looked = CAST(:looked AS jsonb), seen_at = now()
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
       AND writer = :writer
    RETURNING seen_at
""")
_TAKE_OVER = sa.text("""
    INSERT INTO interlock.replica_look (scope, from_cluster, to_cluster, writer, looked)
    VALUES (:scope, :from_cluster, :to_cluster, :writer, CAST(:looked AS jsonb))
    ON CONFLICT (scope, from_cluster, to_cluster) DO UPDATE
      SET writer = excluded.writer, looked = excluded.looked, seen_at = now()
    RETURNING seen_at
""")
_FORGET_ALL = sa.text("""
    DELETE FROM interlock.replica_mark
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")
_FORGET = sa.text("""
    DELETE FROM interlock.replica_mark
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
       AND partition = ANY(CAST(:partitions AS text[]))
""")
_MARK = sa.text("""
    INSERT INTO interlock.replica_mark (scope, from_cluster, to_cluster, partition, mark)
    SELECT :scope, :from_cluster, :to_cluster, marked.partition, CAST(marked.mark AS jsonb)
      FROM unnest(CAST(:partitions AS text[]), CAST(:marks AS text[])) AS marked (partition, mark)
    ON CONFLICT (scope, from_cluster, to_cluster, partition) DO UPDATE SET mark = excluded.mark
""")
_LOOKED = sa.text("""
    SELECT CAST(looked AS text), writer, seen_at FROM interlock.replica_look
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")
_MARKS = sa.text("""
    SELECT CAST(mark AS text) FROM interlock.replica_mark
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")
_OLDER_FORM = sa.text("""
    SELECT CAST(older.watched AS text)
      FROM interlock.replica_watch AS older
      LEFT JOIN interlock.replica_look AS newer USING (scope, from_cluster, to_cluster)
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
       AND (newer.seen_at IS NULL OR newer.seen_at < older.seen_at)
""")
_AGE = sa.text("""
    SELECT EXTRACT(EPOCH FROM now() - max(seen_at)) FROM (
      SELECT scope, from_cluster, to_cluster, seen_at FROM interlock.replica_look
      UNION ALL
      SELECT scope, from_cluster, to_cluster, seen_at FROM interlock.replica_watch) AS looks
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")


class Watches:
    """The tables of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = uuid4()
        self._kept: dict[Pair, tuple[_Version, Mapping[str, Mark]]] = {}
        """As the tables have them, unless somebody else has written there since."""
        self._read: dict[Pair, tuple[_Version, Watched]] = {}
        """As the tables had them when they were asked last."""

    async def keep(self, pair: Pair, watched: Watched) -> None:
        """Remember what was seen just now."""
        _, before = self._kept.pop(pair, (None, None))
        marks = marks_of(watched)
        values = msgspec.structs.asdict(pair)
        look = values | {"writer": self._writer, "looked": _encoded(_kept(watched))}
        async with self._engine.begin() as connection:
            at = None
            if before is not None:
                at = (await connection.execute(_LOOK_AGAIN, look)).scalar()
            if before is None or at is None:
                at = (await connection.execute(_TAKE_OVER, look)).scalar_one()
                await connection.execute(_FORGET_ALL, values)
                before = {}
            gone = [partition for partition in before if partition not in marks]
            if gone:
                await connection.execute(_FORGET, values | {"partitions": gone})
            changed = [mark for name, mark in marks.items() if before.get(name) != mark]
            await _write(connection, values, changed)
        self._kept[pair] = _Version(self._writer, at), marks

    async def newest(self, pair: Pair) -> Watched | None:
        """What was seen last; None if both never answered. The same object, if it still is that."""
        values = msgspec.structs.asdict(pair)
        async with self._engine.connect() as connection:
            # Both of one moment: a look may be kept in between.
            await connection.execution_options(isolation_level="REPEATABLE READ")
            older = (await connection.execute(_OLDER_FORM, values)).scalar()
            if older is not None:
                return msgspec.json.decode(from_jsonb(older), type=Watched)
            row = (await connection.execute(_LOOKED, values)).one_or_none()
            if row is None:
                return None
            version = _Version(*row[1:])
            read, watched = self._read.get(pair, (None, None))
            if watched is not None and read == version:
                return watched
            kept, marks = self._kept.get(pair, (None, {}))
            found = list(marks.values())
            if kept != version:
                encoded = (await connection.execute(_MARKS, values)).scalars()
                found = [msgspec.json.decode(from_jsonb(mark), type=Mark) for mark in encoded]
        look = msgspec.json.decode(from_jsonb(row[0]), type=KeptLook)
        found.sort(key=lambda mark: mark.partition)
        watched = Watched(seen_at=look.seen_at, seq=look.seq, marks=tuple(found))
        self._read[pair] = version, watched
        return watched

    async def newest_look(self, pair: Pair) -> KeptLook | None:
        """The same without its marks, and what they add up to; None if both never answered."""
        values = msgspec.structs.asdict(pair)
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            older = (await connection.execute(_OLDER_FORM, values)).scalar()
            row = (await connection.execute(_LOOKED, values)).one_or_none()
        if older is not None:
            return _kept(msgspec.json.decode(from_jsonb(older), type=Watched))
        if row is None:
            return None
        return msgspec.json.decode(from_jsonb(row[0]), type=KeptLook)

    async def age_s(self, pair: Pair) -> float | None:
        """Seconds since a look was kept, by the clock of Postgres; None if none ever was."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_AGE, msgspec.structs.asdict(pair))).scalar()
        return float(found) if found is not None else None


async def _write(
    connection: AsyncConnection, pair: Mapping[str, Any], marks: Sequence[Mark]
) -> None:
    if not marks:
        return
    partitions, encoded = [mark.partition for mark in marks], [_encoded(mark) for mark in marks]
    await connection.execute(_MARK, {**pair, "partitions": partitions, "marks": encoded})


def _kept(watched: Watched) -> KeptLook:
    return KeptLook(
        seen_at=watched.seen_at, seq=watched.seq, marks=(), troubles=troubles_of(watched)
    )


def _encoded(what: Watched | Mark) -> str:
    return to_jsonb(msgspec.json.encode(what).decode())
