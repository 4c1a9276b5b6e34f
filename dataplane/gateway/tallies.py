"""What the virtual clusters of a node ask, by API: how often, how much, and what the time went to.

Counted once for a frame, by integers alone; `tally_metrics` makes of it what Prometheus reads.
"""

from bisect import bisect_left
from typing import Final

_SHORTEST: Final = 0.001

BOUNDS: Final[tuple[float, ...]] = (
    *(_SHORTEST, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
"""Seconds at which the buckets of times end, each with what took just as long."""

_MOST: Final = 200
"""Virtual clusters that are counted by name: more would be more series than Prometheus likes."""

OTHERS: Final = "(others)"
"""All that came after those, together; no virtual cluster is called so."""


class Times:
    """How long something took, in buckets."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        """How often, by bucket; the last one is for what took longer."""
        self.seconds = 0.0
        """All together."""

    def took(self, seconds: float) -> None:
        """Count one."""
        # Nearly every wait in the gateway is of the shortest.
        self.buckets[0 if seconds <= _SHORTEST else bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class ApiTimes:
    """What the time of all requests for one API went to."""

    __slots__ = ("at_broker", "before")

    def __init__(self) -> None:
        self.before = Times()
        """From when a request came whole to when it was sent to the broker: held ones included."""
        self.at_broker = Times()
        """From then to the answer; a Fetch waits there for records, a JoinGroup for members."""


class ApiTally:
    """The requests of one virtual cluster for one API."""

    __slots__ = (
        "_times",
        "answer_bytes",
        "at_broker_s",
        "before_s",
        "refused",
        "request_bytes",
        "sent",
    )

    def __init__(self, times: ApiTimes) -> None:
        self._times = times
        self.sent = 0
        """Those that a broker got, and answered if they want an answer."""
        self.request_bytes = 0
        self.answer_bytes = 0
        self.before_s = 0.0
        self.at_broker_s = 0.0
        self.refused: dict[int, int] = {}
        """By error code: those that the gateway answered in the broker's place."""

    def answered(self, asked: int, told: int, before: float, at_broker: float) -> None:
        """Count a request that a broker answered.

        Args:
            asked: bytes of the request.
            told: bytes of the answer.
            before: seconds until it was sent.
            at_broker: seconds from then to the answer.
        """
        self.answer_bytes += told
        self.at_broker_s += at_broker
        self._times.at_broker.took(at_broker)
        self.unanswered(asked, before)

    def unanswered(self, asked: int, before: float) -> None:
        """Count a request that wants no answer: Produce with acks=0."""
        self.sent += 1
        self.request_bytes += asked
        self.before_s += before
        self._times.before.took(before)

    def refuse(self, error_code: int) -> None:
        """Count a request that no broker gets."""
        self.refused[error_code] = self.refused.get(error_code, 0) + 1


class Tally:
    """What one virtual cluster asks of this node."""

    __slots__ = ("_by_api", "_times", "connections", "held", "throttled", "throttled_s")

    def __init__(self, times: dict[int, ApiTimes]) -> None:
        self._by_api: dict[int, ApiTally] = {}
        self._times = times
        self.connections = 0
        """Open now, and logged in."""
        self.held = 0
        """Requests that waited until the scope was served."""
        self.throttled = 0
        """Times that a client was not listened to for a while."""
        self.throttled_s = 0.0
        """For how long, all together."""

    def of(self, api_key: int) -> ApiTally:
        """Its requests for an API."""
        tally = self._by_api.get(api_key)
        if tally is None:
            times = self._times.setdefault(api_key, ApiTimes())
            tally = self._by_api[api_key] = ApiTally(times)
        return tally

    def by_api(self) -> list[tuple[int, ApiTally]]:
        """What there is, by API key."""
        return sorted(self._by_api.items())


class Tallies:
    """Those of all virtual clusters."""

    def __init__(self) -> None:
        self.times: dict[int, ApiTimes] = {}
        """By API key, of all virtual clusters."""
        self._named: dict[str, Tally] = {}
        self._others = Tally(self.times)

    def of(self, vcluster: str) -> Tally:
        """That of a virtual cluster; once there are many, the one of all others."""
        tally = self._named.get(vcluster)
        if tally is None:
            if len(self._named) >= _MOST:
                return self._others
            tally = self._named[vcluster] = Tally(self.times)
        return tally

    def forget(self, vcluster: str) -> None:
        """It is no more: make room for another."""
        self._named.pop(vcluster, None)

    def named(self) -> list[tuple[str, Tally]]:
        """By name."""
        return [*sorted(self._named.items()), (OTHERS, self._others)]
