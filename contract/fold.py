"""The state that a sequence of control records adds up to. Both planes fold with this code."""

import hashlib
from collections.abc import Iterator
from typing import TypeVar

from contract.codec import canonical
from contract.records import Beacon, Record, Routing, State

S = TypeVar("S")


class ControlState:
    """Current records by key. Applying is idempotent, and an older record never wins (I12)."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self.log: str | None = None
        """Identity of the log that was folded; None before the first record."""
        self.seq = 0
        """The newest `seq` that was applied."""

    def adopt(self, log: str) -> None:
        """Fold this log from now on; what was folded of another one is forgotten."""
        if log != self.log:
            self._records.clear()
            self.log, self.seq = log, 0

    def apply(self, record: Record) -> bool:
        """Take a record in; False if what is known is as new or newer.

        A record of another log starts the fold over: its numbers mean something else.
        """
        self.adopt(record.log)
        known = self._records.get(record.key)
        if known is not None and known.seq >= record.seq:
            return False
        self._records[record.key] = record
        self.seq = max(self.seq, record.seq)
        return True

    def get(self, key: str) -> State | None:
        """The state under a key; None if there is none, or none any more."""
        record = self._records.get(key)
        return record.state if record is not None else None

    def record(self, key: str) -> Record | None:
        """The newest record under a key, which may say that the thing is gone."""
        return self._records.get(key)

    def of(self, kind: type[S]) -> Iterator[S]:
        """All present states of one kind, in order of their keys."""
        for _, record in sorted(self._records.items()):
            if isinstance(record.state, kind):
                yield record.state

    def records(self) -> list[Record]:
        """All records, tombstones included, oldest first."""
        return sorted(self._records.values(), key=lambda record: record.seq)

    def fence_seq(self) -> int:
        """`seq` of the newest routing record: a lease needs at least this much to be applied."""
        routes = (r.seq for r in self._records.values() if isinstance(r.state, Routing))
        return max(routes, default=0)

    def digest(self) -> str:
        """SHA-256 over the present states: equal states, equal digest, in whatever order they came.

        Beacons carry a digest and so are no part of one.
        """
        present = [
            (key, record.seq, record.state)
            for key, record in sorted(self._records.items())
            if record.state is not None and not isinstance(record.state, Beacon)
        ]
        return hashlib.sha256(canonical(present)).hexdigest()
