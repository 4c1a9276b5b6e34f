"""Snapshots of the fold, beside the log that they stand for."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from controlplane.domain.snapshot import SealedSnapshot

_NEWEST_FIRST = sa.text(
    "SELECT s.seq, s.hash, s.content, s.signature, e.hash AS event_hash"
    " FROM interlock.fold_snapshot s LEFT JOIN interlock.event e ON e.seq = s.seq"
    " WHERE s.format = :format AND s.seq < :below ORDER BY s.seq DESC LIMIT 1"
)
_OTHERS = sa.text("SELECT count(*) FROM interlock.fold_snapshot WHERE format <> :format")
_NEWEST_SEQ = sa.text("SELECT max(seq) FROM interlock.fold_snapshot WHERE format = :format")
_KEEP = sa.text(
    "INSERT INTO interlock.fold_snapshot AS s (format, seq, hash, content, signature)"
    " VALUES (:format, :seq, :hash, :content, :signature)"
    " ON CONFLICT (format, seq) DO UPDATE SET hash = excluded.hash, content = excluded.content,"
    " signature = excluded.signature, taken_at = now()"
)
_FORGET = sa.text(
    "DELETE FROM interlock.fold_snapshot s"
    " WHERE s.taken_at < now() - interval '7 days' OR s.format = :format AND s.seq NOT IN"
    " (SELECT seq FROM interlock.fold_snapshot WHERE format = :format"
    " ORDER BY taken_at DESC LIMIT 2)"
)
"""What other releases made stays for a while: one of them may still run, or run again."""

_BEYOND_ALL: Final = 2**63 - 1


class Snapshots:
    """The table of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest_first(
        self, made_as: str
    ) -> AsyncIterator[tuple[SealedSnapshot, bytes | None]]:
        """Those of a format, each with the hash that the log has at its `seq`, if it has one."""
        below = _BEYOND_ALL
        while True:
            async with self._engine.connect() as connection:
                values = {"format": made_as, "below": below}
                row = (await connection.execute(_NEWEST_FIRST, values)).one_or_none()
            if row is None:
                return
            kept = SealedSnapshot(
                format=made_as,
                seq=row.seq,
                hash=row.hash,
                content=row.content,
                signature=row.signature,
            )
            yield kept, row.event_hash
            below = row.seq

    async def others(self, made_as: str) -> int:
        """How many there are of other formats."""
        async with self._engine.connect() as connection:
            found: int = (await connection.execute(_OTHERS, {"format": made_as})).scalar_one()
            return found

    async def newest_seq(self, made_as: str) -> int:
        """`seq` of the newest snapshot of a format; 0 if there is none."""
        async with self._engine.connect() as connection:
            return (await connection.execute(_NEWEST_SEQ, {"format": made_as})).scalar() or 0

    async def keep(self, snapshot: SealedSnapshot) -> None:
        """Keep it, and of its format one other, in case that this one turns out to be unusable."""
        async with self._engine.begin() as connection:
            await connection.execute(_KEEP, msgspec.structs.asdict(snapshot))
            await connection.execute(_FORGET, {"format": snapshot.format})
