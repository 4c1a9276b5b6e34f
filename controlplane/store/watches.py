"""What was last seen of each replica, for the day on which the original does not answer."""

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from controlplane.domain.replica import Watched
from controlplane.store.jsonb import from_jsonb, to_jsonb


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A scope's cluster and a replica of it."""

    scope: str
    from_cluster: str
    to_cluster: str


_KEEP = sa.text("""
    INSERT INTO interlock.replica_watch AS w (scope, from_cluster, to_cluster, watched)
    VALUES (:scope, :from_cluster, :to_cluster, CAST(:watched AS jsonb))
    ON CONFLICT (scope, from_cluster, to_cluster) DO UPDATE
      SET watched = excluded.watched, seen_at = now()
""")
_NEWEST = sa.text("""
    SELECT CAST(watched AS text) FROM interlock.replica_watch
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")

_AGE = sa.text("""
    SELECT EXTRACT(EPOCH FROM now() - seen_at) FROM interlock.replica_watch
     WHERE scope = :scope AND from_cluster = :from_cluster AND to_cluster = :to_cluster
""")


class Watches:
    """The table of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, pair: Pair, watched: Watched) -> None:
        """Remember what was seen just now."""
        encoded = to_jsonb(msgspec.json.encode(watched).decode())
        values = msgspec.structs.asdict(pair) | {"watched": encoded}
        async with self._engine.begin() as connection:
            await connection.execute(_KEEP, values)

    async def newest(self, pair: Pair) -> Watched | None:
        """What was seen last; None if both never answered."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_NEWEST, msgspec.structs.asdict(pair))).scalar()
        if found is None:
            return None
        return msgspec.json.decode(from_jsonb(found), type=Watched)

    async def age_s(self, pair: Pair) -> float | None:
        """Seconds since a look was kept, by the clock of Postgres; None if none ever was."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_AGE, msgspec.structs.asdict(pair))).scalar()
        return float(found) if found is not None else None
