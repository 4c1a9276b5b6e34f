"""The state that a sequence of control records adds up to. Both planes fold with this code.

What is asked for at each beat, or for each name, costs what has changed since, not what there is:
states stand by their kind and by whose they are, and the digest is added up record by record.
"""

import hashlib
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final, TypeVar

from contract.codec import canonical
from contract.records import Beacon, Record, Routing, State

S = TypeVar("S")

_DIGESTS: Final = 1 << 256


class ControlState:
    """Current records by key. Applying is idempotent, and an older record never wins (I12)."""

    def __init__(self) -> None:
        self._begin_anew(None)

    def _begin_anew(self, log: str | None) -> None:
        self._records: dict[str, Record] = {}
        """In the order in which they were applied, which is that of `seq` unless one came late."""
        self._is_in_order = True
        self._kinds: dict[type, dict[str, dict[str, Any]]] = {}
        """States by their kind, by their owner (see `_owner`) and by their key."""
        self._sorted: dict[tuple[type, str], tuple[Any, ...]] = {}
        """Of kind and owner, if asked for since it changed: the states, in order of their keys."""
        self._sum = 0
        self._summands: dict[str, int] = {}
        self._unsummed: set[str] = set()
        """Keys whose records have changed since the digest was asked for."""
        self.log = log
        """Identity of the log that was folded; None before the first record."""
        self.seq = 0
        """The newest `seq` that was applied."""

    def adopt(self, log: str) -> None:
        """Fold this log from now on; what was folded of another one is forgotten."""
        if log != self.log:
            self._begin_anew(log)

    def apply(self, record: Record) -> bool:
        """Take a record in; False if what is known is as new or newer.

        A record of another log starts the fold over: its numbers mean something else.
        """
        self.adopt(record.log)
        known = self._records.get(record.key)
        if known is not None:
            if known.seq >= record.seq:
                return False
            del self._records[record.key]
            self._forget(known)
        self._is_in_order = self._is_in_order and record.seq >= self.seq
        self._records[record.key] = record
        self._unsummed.add(record.key)
        if record.state is not None:
            kind, owner = type(record.state), _owner(record.key)
            self._kinds.setdefault(kind, {}).setdefault(owner, {})[record.key] = record.state
            self._sorted.pop((kind, owner), None)
        self.seq = max(self.seq, record.seq)
        return True

    def _forget(self, record: Record) -> None:
        if record.state is not None:
            kind, owner = type(record.state), _owner(record.key)
            owned = self._kinds[kind][owner]
            del owned[record.key]
            if not owned:
                del self._kinds[kind][owner]
            self._sorted.pop((kind, owner), None)

    def get(self, key: str) -> State | None:
        """The state under a key; None if there is none, or none any more."""
        record = self._records.get(key)
        return record.state if record is not None else None

    def record(self, key: str) -> Record | None:
        """The newest record under a key, which may say that the thing is gone."""
        return self._records.get(key)

    def of(self, kind: type[S]) -> Iterator[S]:
        """All present states of one kind, in order of their keys."""
        for owner in sorted(self._kinds.get(kind, ())):
            yield from self.of_owner(kind, owner.removesuffix("/"))

    def of_owner(self, kind: type[S], owner: str) -> tuple[S, ...]:
        """Those that belong to a virtual cluster or a scope, where keys of the kind begin with it.

        Args:
            kind: as `TopicMapping`.
            owner: its name.
        """
        place = kind, f"{owner}/" if owner else ""
        if place not in self._sorted:
            owned = self._owned(*place)
            if not owned:
                return ()
            self._sorted[place] = tuple(owned[key] for key in sorted(owned))
        return self._sorted[place]

    def count(self, kind: type, owner: str) -> int:
        """How many of a kind belong to a virtual cluster or a scope."""
        return len(self._owned(kind, f"{owner}/"))

    def _owned(self, kind: type, owner: str) -> dict[str, Any]:
        return self._kinds.get(kind, {}).get(owner, {})

    def records(self) -> list[Record]:
        """All records, tombstones included, oldest first."""
        return sorted(self._records.values(), key=_seq)

    def records_after(self, seq: int) -> list[Record]:
        """Those that are newer than a `seq`, oldest first."""
        if not self._is_in_order:
            return [record for record in self.records() if record.seq > seq]
        newest_first = reversed(self._records.values())
        return list(takewhile(lambda record: record.seq > seq, newest_first))[::-1]

    def fence_seq(self) -> int:
        """`seq` of the newest routing record: a lease needs at least this much to be applied."""
        owned = self._kinds.get(Routing, {}).values()
        return max((self._records[key].seq for keys in owned for key in keys), default=0)

    def digest(self) -> str:
        """Equal states, equal digest, in whatever order they came: the sum of their SHA-256.

        Beacons carry a digest and so are no part of one.
        """
        for key in self._unsummed:
            summand = _summand(self._records[key])
            self._sum = (self._sum - self._summands.pop(key, 0) + summand) % _DIGESTS
            if summand:
                self._summands[key] = summand
        self._unsummed.clear()
        return f"{self._sum:064x}"


def _owner(key: str) -> str:
    """What stands in a key between its kind and its name, with the slash after it; or nothing.

    With the slash, owners are in the order of their keys.
    """
    _, _, rest = key.partition("/")
    owner, slash, _ = rest.partition("/")
    return owner + slash if slash else ""


def _seq(record: Record) -> int:
    return record.seq


def _summand(record: Record) -> int:
    """What a record adds to the digest."""
    if record.state is None or isinstance(record.state, Beacon):
        return 0
    present = canonical((record.key, record.seq, record.state))
    return int.from_bytes(hashlib.sha256(present).digest())
