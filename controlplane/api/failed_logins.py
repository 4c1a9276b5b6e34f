"""Wrong passwords of late: who has tried too often has to wait. Pure: the time is an argument."""

from typing import Final, NamedTuple

MOST: Final = 30
"""Wrong passwords of one user from one address within the window."""
WINDOW_S: Final = 60.0
_MOST_KNOWN: Final = 10_000


class Caller(NamedTuple):
    """Who says to be whom, and from where."""

    address: str
    user: str


class _Failed(NamedTuple):
    times: int
    since: float


class FailedLogins:
    """Of one control plane. Others, from elsewhere, are not kept out: nobody locks a user out."""

    def __init__(self) -> None:
        """Nobody has failed."""
        self._known: dict[Caller, _Failed] = {}

    def wait_s(self, caller: Caller, now: float) -> float:
        """Seconds until it may try again; 0.0: now."""
        failed = self._known.get(caller)
        if failed is None or failed.times < MOST:
            return 0.0
        return max(0.0, failed.since + WINDOW_S - now)

    def failed(self, caller: Caller, now: float) -> None:
        """It has shown a wrong password."""
        before = self._known.get(caller)
        if before is None or now >= before.since + WINDOW_S:
            self._make_room(now)
            before = _Failed(0, now)
        self._known[caller] = before._replace(times=before.times + 1)

    def _make_room(self, now: float) -> None:
        """Forget what is over; where an attacker has many names or addresses, what is oldest."""
        if len(self._known) < _MOST_KNOWN:
            return
        old = [caller for caller, failed in self._known.items() if now >= failed.since + WINDOW_S]
        for caller in old or list(self._known)[: _MOST_KNOWN // 10]:
            del self._known[caller]
