"""The hash chain: each event's hash covers the one before it, so no event can be changed unseen."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

GENESIS = bytes(32)
"""What the first event's hash covers in place of a previous one."""
RECONCILED = "log.reconciled"
"""The kind of the one event whose number need not follow the number before."""


class Link(msgspec.Struct, frozen=True):
    """One event, as far as the chain goes."""

    seq: int
    prev_hash: bytes
    hash: bytes
    canonical: str
    """The event's columns as one text."""
    kind: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk over the whole log found."""

    events: int
    """The number of the newest one."""
    first_bad: int | None
    """`seq` of the first event that is not as it was written; None if the log is intact."""
    head_hash: str
    """Hex. Kept elsewhere, it shows later that nobody rewrote the whole log."""


class Walk:
    """Checks links one after another."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS

    def first_bad(self, links: Iterable[Link]) -> int | None:
        """The first link that does not continue the walk, or None after taking all of them."""
        for link in links:
            digest = hashlib.sha256(link.prev_hash + link.canonical.encode()).digest()
            # Reconciling leaves out the numbers of the events that were lost.
            skips = link.kind == RECONCILED and link.seq > self.seq
            if link.seq != self.seq + 1 and not skips:
                return self.seq + 1
            if link.prev_hash != self.hash or link.hash != digest:
                return link.seq
            self.seq, self.hash = link.seq, link.hash
        return None


_LINKS = sa.text(
    "SELECT e.seq, e.prev_hash, e.hash, interlock.event_canonical(e) AS canonical, e.type AS kind"
    " FROM interlock.event e ORDER BY e.seq"
)
_AT_ONCE = 200
"""Events that are held in memory at a time: some are a hundred kilobytes."""
_HEAD = sa.text("SELECT seq, hash FROM interlock.event_head")


async def verify(engine: AsyncEngine) -> Verdict:
    """Walk the whole log and compare its end with the head row, so that a cut tail shows too.

    However long the log is, some events of it are in memory at a time.
    """
    walk = Walk()
    async with engine.connect() as connection:
        await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        head = (await connection.execute(_HEAD)).one()
        rows = await connection.stream(_LINKS)
        async for some in rows.partitions(_AT_ONCE):
            bad = walk.first_bad(Link(*row) for row in some)
            if bad is not None:
                return _verdict(head, bad)
    if walk.seq < head.seq:
        return _verdict(head, walk.seq + 1)
    return _verdict(head, walk.seq if walk.hash != head.hash else None)


def _verdict(head: sa.Row[Any], first_bad: int | None) -> Verdict:
    return Verdict(events=head.seq, first_bad=first_bad, head_hash=head.hash.hex())
