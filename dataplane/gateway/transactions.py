"""The transactions that a scope's clients have open, as far as this node's connections show.

Pure: `now` is an argument. A producer says everything about its transaction to one broker, its
coordinator, so on one connection and to one node, as long as that connection lasts.
"""

from dataclasses import dataclass, replace
from typing import Final

FORGOTTEN_AFTER: Final = 60.0
"""Seconds after the end of the connection: its producer may come back on another one, and Kafka
itself aborts by then what is not ended (`transaction.timeout.ms`)."""


@dataclass(frozen=True, slots=True)
class _Open:
    connection: object
    """Where it was begun; None: that connection has ended."""
    until: float = float("inf")


class OpenTransactions:
    """By physical transactional id."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[str, _Open] = {}

    def began(self, transactional_id: str, connection: object) -> None:
        """A producer adds something to its transaction."""
        self._open[transactional_id] = _Open(connection)

    def ended(self, transactional_id: str) -> None:
        """It was committed or aborted, or its producer cannot go on with it."""
        self._open.pop(transactional_id, None)

    def gone(self, connection: object, now: float) -> None:
        """A connection has ended."""
        for transactional_id, known in self._open.items():
            if known.connection is connection:
                gone = replace(known, connection=None, until=now + FORGOTTEN_AFTER)
                self._open[transactional_id] = gone

    def has(self, transactional_id: str, now: float) -> bool:
        """Whether one is open under that id."""
        known = self._open.get(transactional_id)
        return known is not None and now < known.until

    def all(self, now: float) -> list[str]:
        """The ids under which one is open."""
        return [id_ for id_, known in self._open.items() if now < known.until]

    def begin_anew(self) -> None:
        """Another cluster serves, on which none is open."""
        self._open.clear()
