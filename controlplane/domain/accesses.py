"""Who logged in to the administration, who could not and who was denied: what the log is told.

Whoever guesses passwords decides how often, from where and under which names; none of that may fill
the log, or this process. So what is repeated within a minute is counted, and told as one event.
"""

from typing import Final, Literal, NamedTuple

from controlplane.domain import events
from controlplane.domain.event import Event

AGAIN_S: Final = 60.0
"""Until the same is told once more, with how often it was."""
MOST_TOLD: Final = 20
"""Events in that time."""
MOST_KNOWN: Final = 1_000
"""Different ones that wait to be told."""
_LONGEST_NAME: Final = 255


class Access(NamedTuple):
    """Something that somebody tried, as often as they like."""

    what: Literal["login_succeeded", "login_failed", "denied"]
    username: str
    """As it was given: of a log-in that failed there may be no such user."""
    address: str
    """Of the network, from where; empty if that is not known."""
    needed: str = ""
    """The role that it takes, of what was denied."""


class Accesses:
    """Those of one control plane. `now` is the monotonic clock in seconds."""

    def __init__(self) -> None:
        """Nobody has come yet."""
        self._waiting: dict[Access, int] = {}
        self._told_at: dict[Access, float] = {}
        self._uncounted = 0
        self._began = 0.0
        self._told = 0

    def note(self, access: Access) -> None:
        """It happened."""
        known = access._replace(username=access.username[:_LONGEST_NAME])
        if known not in self._waiting and len(self._waiting) >= MOST_KNOWN:
            self._uncounted += 1
            return
        self._waiting[known] = self._waiting.get(known, 0) + 1

    def due(self, now: float) -> list[Event]:
        """What is to be told now. It counts as told."""
        if now >= self._began + AGAIN_S:
            self._began, self._told = now, 0
        self._told_at = {a: at for a, at in self._told_at.items() if now < at + AGAIN_S}
        ready = [access for access in self._waiting if access not in self._told_at]
        told = ready[: MOST_TOLD - self._told]
        found = [_event(access, self._waiting.pop(access)) for access in told]
        self._told_at |= dict.fromkeys(told, now)
        if self._uncounted and self._told + len(found) < MOST_TOLD:
            found.append(events.AccessesUncounted(times=self._uncounted))
            self._uncounted = 0
        self._told += len(found)
        return found


def _event(access: Access, times: int) -> Event:
    username, address = access.username, access.address
    match access.what:
        case "login_succeeded":
            return events.LoginSucceeded(username=username, address=address, times=times)
        case "login_failed":
            return events.LoginFailed(username=username, address=address, times=times)
        case "denied":
            return events.AccessDenied(
                username=username, address=address, needed=access.needed, times=times
            )
