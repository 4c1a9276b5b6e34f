"""Wrong passwords of late: who has tried too often has to wait. Pure: the time is an argument."""

from typing import Final, NamedTuple

FREE: Final = 5
"""Wrong passwords of one user from one address that cost no time."""
LONGEST_WAIT_S: Final = 60.0
"""Seconds. After each further one it is twice as long as after the one before, up to this."""
_MOST_KNOWN: Final = 10_000


class Caller(NamedTuple):
    """Who says to be whom, and from where."""

    address: str
    user: str


class _Failed(NamedTuple):
    times: int
    last: float

    @property
    def until(self) -> float:
        """When it may try again."""
        if self.times < FREE:
            return self.last
        return self.last + min(LONGEST_WAIT_S, 2.0 ** (self.times - FREE))

    def is_over(self, now: float) -> bool:
        """Whether it is as if it had never been."""
        return now >= self.last + 2 * LONGEST_WAIT_S


class FailedLogins:
    """Of one control plane. Others, from elsewhere, are not kept out: nobody locks a user out."""

    def __init__(self) -> None:
        """Nobody has failed."""
        self._known: dict[Caller, _Failed] = {}

    def wait_s(self, caller: Caller, now: float) -> float:
        """Seconds until it may try again; 0.0: now."""
        failed = self._known.get(caller)
        return 0.0 if failed is None else max(0.0, failed.until - now)

    def failed(self, caller: Caller, now: float) -> None:
        """It has shown a wrong password."""
        before = self._known.pop(caller, None)
        if before is None or before.is_over(now):
            self._make_room(now)
            before = _Failed(0, now)
        self._known[caller] = _Failed(before.times + 1, now)

    def _make_room(self, now: float) -> None:
        """Forget what is over; where an attacker has many names or addresses, what is oldest."""
        if len(self._known) < _MOST_KNOWN:
            return
        old = [caller for caller, failed in self._known.items() if failed.is_over(now)]
        for caller in old or list(self._known)[: _MOST_KNOWN // 10]:
            del self._known[caller]
