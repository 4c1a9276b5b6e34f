"""Why a look at a cluster found nothing out, each kind by its own name.

That a cluster is silent is one thing, that it answers and something of it cannot be read another,
and that we took no more time a third: whoever is told one of them must not look for another.
"""

from controlplane.domain.unreadable import Unreadable


class LookError(Exception):
    """A look found nothing out; the message names what was looked at, and says why."""


class UnreadableError(LookError):
    """The cluster answers, and a partition of it cannot be read."""

    def __init__(self, found: Unreadable) -> None:
        super().__init__(f"cannot read {found}")
        self.found = found


class RefusedError(LookError):
    """The cluster answers with an error; the message names it."""


class OutOfTimeError(LookError):
    """A budget of ours ran out; the message says which, and what was not done within it."""
