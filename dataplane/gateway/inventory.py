"""Who the clients of this node are: kept as they come and go, so that telling costs little.

Pure: the time is an argument. A row is one account with one version of a library; what has gone is
remembered for a day, as who asks before a change wants to know of the nightly job, too.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from contract.clients import MOST, MOST_NAMED, ClientSeen, ClientsSeen
from dataplane.virtual.answers import Software

REMEMBERED_S: Final = 24 * 3600.0
"""Seconds for which somebody is told of who has gone."""
_MOST_ROWS: Final = 2000
_LONGEST: Final = 255
"""Characters of a name that is kept: a group may be called anything of 32,767."""


class Sighting:
    """The connections of one account with one version of a library."""

    __slots__ = ("_addresses", "_groups", "_topics", "connections", "seen_at")

    def __init__(self, now: float) -> None:
        self.connections = 0
        self.seen_at = now
        """Monotonic seconds of its newest request."""
        self._addresses: dict[str, None] = {}
        self._topics: dict[str, None] = {}
        self._groups: dict[str, None] = {}

    @property
    def addresses(self) -> tuple[str, ...]:
        """From where they came, the newest last."""
        return tuple(self._addresses)

    @property
    def topics(self) -> tuple[str, ...]:
        """Which it asks for, the newest last."""
        return tuple(self._topics)

    @property
    def groups(self) -> tuple[str, ...]:
        """In which groups it is, the newest last."""
        return tuple(self._groups)

    def came(self, address: str, now: float) -> None:
        """One more is open."""
        self.connections += 1
        self.seen_at = now
        _note(self._addresses, address)

    def asks_for(self, topics: Iterable[str]) -> None:
        """It wants to know where topics are: as everybody does who reads or writes them."""
        for topic in topics:
            _note(self._topics, topic)

    def is_in(self, group: str) -> None:
        """A member of a group has spoken."""
        _note(self._groups, group)


class Sighted(Protocol):
    """A connection, as far as it is counted."""

    sighting: Sighting


class Inventory:
    """Those of all accounts."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, Software], Sighting] = {}

    def of(self, vcluster: str, account: str, software: Software, now: float) -> Sighting:
        """Where an account's connections with that library are noted."""
        key = (vcluster, account, software)
        row = self._rows.get(key)
        if row is None:
            self._make_room()
            row = self._rows[key] = Sighting(now)
        return row

    def told(self, now: float) -> ClientsSeen:
        """What there is to tell, the busiest first."""
        self._rows = {
            key: row
            for key, row in self._rows.items()
            if row.connections or now < row.seen_at + REMEMBERED_S
        }
        ordered = sorted(self._rows.items(), key=lambda one: -one[1].connections)
        clients = tuple(
            ClientSeen(
                vcluster=vcluster,
                account=account,
                software=software.name,
                version=software.version,
                connections=row.connections,
                addresses=row.addresses,
                topics=row.topics,
                groups=row.groups,
                idle_s=round(now - row.seen_at, 1),
            )
            for (vcluster, account, software), row in ordered[:MOST]
        )
        return ClientsSeen(clients=clients, further=len(ordered) - len(clients))

    def _make_room(self) -> None:
        """Forget who has gone, the longest gone first: clients choose what they are called."""
        if len(self._rows) < _MOST_ROWS:
            return
        gone = sorted(
            (key for key, row in self._rows.items() if not row.connections),
            key=lambda key: self._rows[key].seen_at,
        )
        for key in gone[: _MOST_ROWS // 10]:
            del self._rows[key]


def _note(named: dict[str, None], name: str) -> None:
    if len(name) > _LONGEST:
        return
    named.pop(name, None)
    named[name] = None
    if len(named) > MOST_NAMED:
        del named[next(iter(named))]
