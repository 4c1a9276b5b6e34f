"""The members of consumer groups that a scope's clients are, and which of them are at rest.

Pure: `now` is an argument. A member is at rest from when it asks to join again (it has committed by
then) until it is in the group again. Where a group has members on several nodes, each node knows
its own.
"""

from dataclasses import dataclass
from typing import Final

from dataplane.virtual.heads import JOIN_GROUP, SYNC_GROUP, Membership

SESSION_TIMEOUT: Final = 45.0
"""Seconds of a member that did not say (Kafka: `session.timeout.ms`)."""


@dataclass(frozen=True, slots=True)
class _Seat:
    connection: object
    """The one that the member spoke on last."""
    epoch: int
    """Of the scope, when it did."""
    seen_at: float
    session_timeout: float
    at_rest: bool = False


class Roster:
    """Who is in which group, as far as this node's connections show."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._seats: dict[tuple[str, str], _Seat] = {}

    def note(
        self, api_key: int, said: Membership, connection: object, epoch: int, now: float
    ) -> None:
        """A member has spoken. `said.group` is the physical name."""
        if not said.member:
            if api_key == JOIN_GROUP:
                self._give_up_seats(said.group, connection)
            return
        key = (said.group, said.member)
        seat = self._seats.get(key) or _Seat(connection, epoch, now, SESSION_TIMEOUT)
        at_rest = api_key == JOIN_GROUP or (seat.at_rest and api_key != SYNC_GROUP)
        timeout = seat.session_timeout if said.session_timeout is None else said.session_timeout
        self._seats[key] = _Seat(connection, seat.epoch, now, timeout, at_rest)

    def left(self, group: str, member: str) -> None:
        """A member has left its group."""
        self._seats.pop((group, member), None)

    def gone(self, connection: object) -> None:
        """A connection has ended, and whoever spoke on it last."""
        for key, seat in tuple(self._seats.items()):
            if seat.connection is connection:
                del self._seats[key]

    def restless(self, now: float) -> list[tuple[str, str]]:
        """Group and member id of those that are not at rest."""
        return [
            key
            for key, seat in self._seats.items()
            if not seat.at_rest and now < seat.seen_at + seat.session_timeout
        ]

    def is_of_older_epoch(self, group: str, connection: object, epoch: int) -> bool:
        """Whether who speaks there was last a member of the group before the scope moved."""
        return any(
            seat.connection is connection and seat.epoch < epoch
            for (known, _), seat in self._seats.items()
            if known == group
        )

    def _give_up_seats(self, group: str, connection: object) -> None:
        """Whoever asks for a new member id is not who it was any more."""
        for key, seat in tuple(self._seats.items()):
            if key[0] == group and seat.connection is connection:
                del self._seats[key]
