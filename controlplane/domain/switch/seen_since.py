"""What has just gone wrong, and what has been so for some time.

Tenants make and delete topics all the time. Of one that was just made the mirror has nothing, of
one that was just deleted the log knows nothing yet: some topic may always be in that state. So
before the fence only what lasts keeps a switch from going on; the rest is looked at again once
topics have come to rest.
"""

from collections.abc import Iterable, Mapping

import msgspec


class SeenSince(msgspec.Struct, frozen=True):
    """What looks in a row have found, by name."""

    since: Mapping[str, float] = {}
    """The monotonic second of the first look from which on each of them found it."""

    def after(self, found: Iterable[str], at: float) -> "SeenSince":
        """With one look more; `at` minus infinity: what it finds is older than any look."""
        return SeenSince({name: self.since.get(name, at) for name in found})

    def lasting(self, now: float, for_s: float) -> frozenset[str]:
        """What was found for so many seconds."""
        return frozenset(name for name, at in self.since.items() if now - at >= for_s)
