"""How far the log has been told to each topic and web hook: where whoever tells it resumes."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_LAST = sa.text("SELECT last_seq FROM interlock.publication WHERE topic = :topic")
_MOVE = sa.text(
    "INSERT INTO interlock.publication AS p (topic, last_seq) VALUES (:topic, :seq)"
    " ON CONFLICT (topic) DO UPDATE SET last_seq = excluded.last_seq, updated_at = now()"
)


class Publications:
    """The table of positions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def last(self, topic: str) -> int:
        """`seq` of the last event that was written to a topic; 0 if none ever was."""
        async with self._engine.connect() as connection:
            return (await connection.execute(_LAST, {"topic": topic})).scalar() or 0

    async def move(self, topic: str, seq: int) -> None:
        """Everything up to `seq` is written."""
        async with self._engine.begin() as connection:
            await connection.execute(_MOVE, {"topic": topic, "seq": seq})
