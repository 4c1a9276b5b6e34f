"""What to do about a mirror whose connector or task has failed: start it again, but not for ever.

A task that failed copies nothing, of no topic, until somebody starts it again. What it failed for
may be gone by then (a cluster that was away), or come at once again (a record that it cannot copy).
"""

from typing import Final

import msgspec

MOST_RESTARTS: Final = 5
FIRST_PAUSE_S: Final = 20.0
"""Between the first restart and the second; each further one is twice as long."""
HEALED_AFTER_S: Final = 600.0
"""A mirror that has run for so long since it was started again may be so as often as a new one."""


class Tended(msgspec.Struct, frozen=True, kw_only=True):
    """How the mirror was found, and what was done about it."""

    failure: str | None = None
    """Why it does not copy; None if it does."""
    restarts: int = 0
    """How often it was started again; not more often than `MOST_RESTARTS`."""
    restarted_at: float = 0.0
    """Monotonic seconds."""

    @property
    def is_given_up(self) -> bool:
        """Whether somebody has to see to it."""
        return self.failure is not None and self.restarts >= MOST_RESTARTS


def looked_at(known: Tended, failure: str | None, now: float) -> Tended:
    """What is known after one more look.

    Args:
        known: before.
        failure: why a connector or task has failed; None if none has.
        now: monotonic seconds.
    """
    healed = failure is None and now >= known.restarted_at + HEALED_AFTER_S
    return Tended() if healed else msgspec.structs.replace(known, failure=failure)


def restart_is_due(known: Tended, now: float) -> bool:
    """Whether to start it again at this moment."""
    if known.failure is None or known.is_given_up:
        return False
    pause_s = FIRST_PAUSE_S * 2 ** (known.restarts - 1) if known.restarts else 0.0
    return now >= known.restarted_at + pause_s


def restarted(known: Tended, now: float) -> Tended:
    """What is known once it was started again."""
    return msgspec.structs.replace(known, restarts=known.restarts + 1, restarted_at=now)
