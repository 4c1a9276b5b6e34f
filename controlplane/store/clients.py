"""Who the clients of each node are, as it told last: soft state, of which nothing is decided."""

from datetime import datetime
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from contract.clients import ClientsSeen
from controlplane.store.jsonb import from_jsonb, to_jsonb

_TELL = sa.text(
    "INSERT INTO interlock.node_clients (node_id, seen) VALUES (:node_id, CAST(:seen AS jsonb))"
    " ON CONFLICT (node_id) DO UPDATE SET seen = excluded.seen, told_at = now()"
)
_FORGET = sa.text("DELETE FROM interlock.node_clients WHERE told_at < now() - interval '1 day'")
_NEWEST = sa.text(
    "SELECT node_id, CAST(seen AS text) AS seen, told_at FROM interlock.node_clients"
    " WHERE told_at >= now() - interval '1 day' ORDER BY node_id"
)


class NodeTold(NamedTuple):
    """What one node told."""

    node_id: str
    seen: ClientsSeen
    told_at: datetime


class NodeClients:
    """The table of them. Of a node that has told nothing for a day there is nothing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def tell(self, node_id: str, seen: ClientsSeen) -> None:
        """Keep what a node told, in the place of what it told before."""
        values = {"node_id": node_id, "seen": to_jsonb(msgspec.json.encode(seen).decode())}
        async with self._engine.begin() as connection:
            await connection.execute(_TELL, values)
            await connection.execute(_FORGET)

    async def newest(self) -> list[NodeTold]:
        """What each node told last."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_NEWEST)
            return [
                NodeTold(
                    row.node_id,
                    msgspec.json.decode(from_jsonb(row.seen), type=ClientsSeen),
                    row.told_at,
                )
                for row in rows
            ]
