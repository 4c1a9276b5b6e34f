"""The members of consumer groups that a scope's clients are, and which of them are at rest.

Pure: `now` is an argument. A member is at rest from when it asks to join again (it has committed by
then) until it is in the group again; in a KIP-848 group, from when it holds nothing, as it was
told. A cooperative one need not commit before it joins: it is at
rest only if it was called to join, and called only when it has committed by its timer. Where a
group has members on several nodes, each node knows its own.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from dataplane.virtual.heads import (
    CONSUMER_GROUP_HEARTBEAT,
    JOIN_GROUP,
    OFFSET_COMMIT,
    SYNC_GROUP,
    Membership,
)

CALL_AFTER: Final = 1.0
"""Seconds from when no records come any more until members are asked to join again: they have
handled and committed what they had by then. A cooperative member hands it out while it joins."""

AUTO_COMMIT: Final = 5.5
"""Seconds until then for a cooperative member that has not committed meanwhile: librdkafka does it
by a timer alone (`auto.commit.interval.ms`), and never while it joins."""

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
    joining: bool = False
    """It has asked to join (again), and has not got its partitions yet."""
    at_rest: bool = False
    is_cooperative: bool = False
    was_called: bool = False
    """To join again, or in a KIP-848 group to hold nothing."""
    holds: bool | None = None
    """Whether a member of a KIP-848 group has partitions; None: its coordinator has not said."""
    committed_at: float = float("-inf")


class Roster:
    """Who is in which group, as far as this node's connections show."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._seats: dict[tuple[str, str], _Seat] = {}
        self._rejoining: Counter[str] = Counter()
        """By group: cooperative members that were told to begin anew, and are not back."""
        self._promised: dict[tuple[str, str], object] = {}
        """Connections by the group and member id that they were given, to join with."""

    def note(
        self, api_key: int, said: Membership, connection: object, epoch: int, now: float
    ) -> None:
        """A member has spoken. `said.group` is the physical name."""
        if not said.member:
            if api_key == JOIN_GROUP:
                self._give_up_seats(said.group, connection)
            return
        key = (said.group, said.member)
        self._promised.pop(key, None)
        seat = self._seats.get(key) or _Seat(connection, epoch, now, SESSION_TIMEOUT)
        seat = replace(seat, connection=connection, seen_at=now)
        match api_key:
            case _ if api_key == JOIN_GROUP:
                seat = replace(
                    seat,
                    joining=True,
                    at_rest=seat.was_called or not said.is_cooperative,
                    is_cooperative=said.is_cooperative,
                    session_timeout=said.session_timeout or SESSION_TIMEOUT,
                )
            case _ if api_key == SYNC_GROUP:
                seat = replace(seat, joining=False, at_rest=False, was_called=False)
            case _ if api_key == CONSUMER_GROUP_HEARTBEAT and said.generation == 0:
                seat = _Seat(connection, epoch, now, SESSION_TIMEOUT, at_rest=True, holds=False)
            case _ if api_key == CONSUMER_GROUP_HEARTBEAT:
                seat = replace(seat, at_rest=seat.was_called and seat.holds is False)
            case _ if api_key == OFFSET_COMMIT:
                seat = replace(seat, committed_at=now)
        self._seats[key] = seat

    def left(self, group: str, member: str) -> None:
        """A member has left its group."""
        self._seats.pop((group, member), None)

    def gone(self, connection: object) -> None:
        """A connection has ended, and whoever spoke on it last."""
        for key, seat in tuple(self._seats.items()):
            if seat.connection is connection:
                del self._seats[key]
        for key, promised_to in tuple(self._promised.items()):
            if promised_to is connection:
                del self._promised[key]

    def restless(self, now: float) -> list[tuple[str, str]]:
        """Group and member id of those that are not at rest."""
        return [
            key
            for key, seat in self._seats.items()
            if not seat.at_rest and now < seat.seen_at + seat.session_timeout
        ]

    def is_at_rest(self, said: Membership) -> bool:
        """Whether a member has committed, and waits to join again."""
        seat = self._seats.get((said.group, said.member))
        return seat is None or seat.at_rest

    def promised(self, group: str, member: str, connection: object) -> None:
        """A cluster has given out a member id, and waits for whoever got it to join with it."""
        self._promised[group, member] = connection

    def is_about_to_join(self, said: Membership, epoch: int) -> bool:
        """Whether the cluster does not know a member yet that is going to join.

        It was promised its id, or it was joining when the scope moved and has not begun anew since.
        """
        key = (said.group, said.member)
        if key in self._promised:
            return True
        seat = self._seats.get(key)
        return seat is not None and seat.joining and seat.epoch < epoch

    def called(self, said: Membership) -> None:
        """A member was asked to join again, or told to hold nothing: some hold nothing anyway."""
        key = (said.group, said.member)
        if (seat := self._seats.get(key)) is not None:
            at_rest = seat.at_rest or seat.holds is False
            self._seats[key] = replace(seat, was_called=True, at_rest=at_rest)

    def given(self, said: Membership, *, holds: bool) -> None:
        """A member of a KIP-848 group is known to have partitions, or none."""
        key = (said.group, said.member)
        if (seat := self._seats.get(key)) is not None:
            at_rest = seat.was_called and not holds
            self._seats[key] = replace(seat, holds=holds, at_rest=at_rest)

    def is_about_to_hold(self, said: Membership) -> bool:
        """Whether a member was given partitions, and not told since to hold nothing.

        If it says that it holds none, it has not taken them over yet.
        """
        seat = self._seats.get((said.group, said.member))
        return seat is not None and seat.holds is True and not seat.was_called

    def knows(self, said: Membership) -> bool:
        """Whether a member has spoken on this node."""
        return (said.group, said.member) in self._seats

    def has_to_join_anew(self, said: Membership, epoch: int) -> bool:
        """Whether a member of a KIP-848 group was told to hold nothing, or is of an older epoch."""
        seat = self._seats[said.group, said.member]
        return seat.was_called or seat.epoch < epoch

    def cooperative_at_rest(self, now: float) -> int:
        """Members that keep their partitions until they have joined again."""
        return sum(
            seat.is_cooperative and seat.at_rest and now < seat.seen_at + seat.session_timeout
            for seat in self._seats.values()
        )

    def begin_anew(self) -> None:
        """Another cluster serves, which knows none of the members that wait to join."""
        self._rejoining.clear()
        for (group, _), seat in self._seats.items():
            if seat.is_cooperative and seat.at_rest:
                self._rejoining[group] += 1

    def is_back(self, group: str) -> None:
        """A member has got its partitions."""
        if self._rejoining[group] > 1:
            self._rejoining[group] -= 1
        else:
            del self._rejoining[group]

    @property
    def to_come_back(self) -> int:
        """Cooperative members that are still to come back.

        Until then they would go on reading from where they were, and read that again when they
        have got their partitions.
        """
        return self._rejoining.total()

    def give_up_waiting(self) -> None:
        """Those that are not back may never be."""
        self._rejoining.clear()

    def may_be_called(self, said: Membership, silent_since: float, now: float) -> bool:
        """Whether a member may be asked to join again, if no records have come since a second."""
        handled_at = silent_since + CALL_AFTER
        seat = self._seats.get((said.group, said.member))
        if seat is None or not seat.is_cooperative or seat.committed_at >= handled_at:
            return now >= handled_at
        return now >= silent_since + AUTO_COMMIT

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
