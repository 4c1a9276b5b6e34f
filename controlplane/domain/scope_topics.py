"""Which topics belong to a scope: told by their names, whoever made them."""

from bisect import bisect_right
from collections.abc import Collection, Iterable


class ScopeTopics:
    """The topics that virtual clusters of a scope see; asked with `in`, by physical name.

    Everything under their prefixes, and what they have aliases for: also what the log was never
    told of. Which of them there are only a cluster can say.
    """

    def __init__(
        self, vclusters: Iterable[str], aliased: Iterable[str], mirrors: Collection[str] = ()
    ) -> None:
        """Take the names that decide it.

        Args:
            vclusters: names of virtual clusters; none begins with another's.
            aliased: physical names of topics that they have aliases for.
            mirrors: topics that a mirror keeps for itself, whatever they begin with.
        """
        self._prefixes = sorted(vclusters)
        self._aliased = frozenset(aliased)
        self._mirrors = frozenset(mirrors)

    def __contains__(self, physical: object) -> bool:
        """Whether a topic of this name is one of them."""
        return isinstance(physical, str) and (
            physical in self._aliased or self.owner_of(physical) is not None
        )

    def owner_of(self, physical: str) -> str | None:
        """The virtual cluster under whose prefix a name is; None for none's."""
        if physical in self._mirrors:
            return None
        # As none begins with another's, only the one that sorts right before can be it.
        at = bisect_right(self._prefixes, physical) - 1
        if at < 0 or physical == self._prefixes[at]:
            return None
        return self._prefixes[at] if physical.startswith(self._prefixes[at]) else None
