"""The log in Postgres beside anchors of it, however many: some are held in memory at a time."""

from collections.abc import AsyncIterable, Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from controlplane.domain.anchors import Comparison, LogAnchor, LogThere, Lost, compare
from controlplane.store.chain import GENESIS, RECONCILED

AT_ONCE = 500

_HEAD = sa.text(
    "SELECT CAST(log_id AS text) AS log, seq, encode(hash, 'hex') AS hash FROM interlock.event_head"
)
_HASHES = sa.text(
    "SELECT seq, encode(hash, 'hex') AS hash FROM interlock.event WHERE seq = ANY(:seqs)"
)
_LOST = sa.text(
    "SELECT coalesce(CAST(data ->> 'lost_from' AS bigint), 0) AS first,"
    " coalesce(CAST(data ->> 'through_seq' AS bigint), 0) AS last"
    " FROM interlock.event WHERE type = :kind ORDER BY seq"
)


async def head_anchor(engine: AsyncEngine) -> LogAnchor:
    """An anchor of the log as it ends now."""
    async with engine.connect() as connection:
        head = (await connection.execute(_HEAD)).one()
        return LogAnchor(log=head.log, seq=head.seq, hash=head.hash)


async def compare_all(engine: AsyncEngine, anchors: AsyncIterable[LogAnchor]) -> Comparison:
    """Hold anchors against the log."""
    found, some = Comparison(), list[LogAnchor]()
    async for anchor in anchors:
        some.append(anchor)
        if len(some) == AT_ONCE:
            found = found.and_also(await compare_some(engine, some))
            some.clear()
    return found.and_also(await compare_some(engine, some))


async def compare_some(engine: AsyncEngine, anchors: Collection[LogAnchor]) -> Comparison:
    """Hold some anchors against the log, all of them at once."""
    async with engine.connect() as connection:
        await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        head = (await connection.execute(_HEAD)).one()
        asked = {"seqs": [anchor.seq for anchor in anchors]}
        rows = await connection.execute(_HASHES, asked)
        hashes = {0: GENESIS.hex()} | {row.seq: row.hash for row in rows}
        lost = await connection.execute(_LOST, {"kind": RECONCILED})
        there = LogThere(
            log=head.log,
            seq=head.seq,
            hashes=hashes,
            lost=tuple(Lost(first=row.first, last=row.last) for row in lost),
        )
    return compare(anchors, there)
