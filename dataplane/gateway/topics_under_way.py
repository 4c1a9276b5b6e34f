"""Changes of topics that a scope's clients asked for, until the control planes know of them.

While there are none and no new ones are let through, the log knows all topics that there are, as
far as this node's clients made them.
"""

from collections import defaultdict
from typing import NamedTuple

from dataplane.relay.exchange import Request
from dataplane.virtual.topics import TopicFact


class TopicsUnderWay:
    """Of one scope on one node."""

    def __init__(self) -> None:
        """Begin with none."""
        self._asked: dict[object, list[Request]] = defaultdict(list)
        self._untold = 0

    def asked(self, connection: object, request: Request) -> None:
        """A request to create, grow or delete topics goes to a broker."""
        unanswered = [one for one in self._asked[connection] if one.answer is None]
        self._asked[connection] = [*unanswered, request]

    def gone(self, connection: object) -> None:
        """A connection has ended: what its last requests did is seen on the cluster alone."""
        self._asked.pop(connection, None)

    def done(self, changes: int) -> None:
        """So many changes were made, and are to be told."""
        self._untold += changes

    def told(self) -> None:
        """One of them is known, or refused for good."""
        self._untold -= 1

    @property
    def total(self) -> int:
        """Requests without an answer, and changes that are not told."""
        asked = (request.answer is None for some in self._asked.values() for request in some)
        return sum(asked) + self._untold


class Untold(NamedTuple):
    """A change of a topic that the control planes do not know of."""

    fact: TopicFact
    at: float
    """Monotonic second in which the cluster said so."""
    under_way: TopicsUnderWay
    """Of its scope."""
