"""What of two clusters belongs to a scope."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from controlplane.domain.facts import Facts


class Governed(NamedTuple):
    """Topics and groups that a switch is about."""

    is_ours: Callable[[str], bool]
    """Whether a topic or a group is among them, by its physical name."""
    deleted: Collection[str]
    """Topics that were deleted, as the log knows, and not made since for certain."""


def governed(facts: Facts, scope: str) -> Governed:
    """Everything under the prefixes of a scope's virtual clusters, and what they have aliases for.

    Whoever made it, and whether or not the log was told of it.
    """
    topics = facts.topics_in(scope)
    return Governed(topics.__contains__, frozenset(facts.topic_history.seen_deleted(facts.as_of)))
