"""What became of topics before: deleted ones, forgotten ones, and those that were made again.

Each node tells what it saw, and they are heard in any order: the word of one that a topic was made
may come after the word of another that it was deleted since.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from contract.names import physical_name
from controlplane.domain.event import Recorded
from controlplane.domain.events import TopicMapped, TopicUnmapped

_LATE: Final = timedelta(seconds=60)
"""For so long a word of what happened before may still come."""


class TopicDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a topic's deletion."""

    at: datetime | None
    """When a cluster said that it is deleted; None: its node is of an older release."""
    noted_at: datetime

    def may_be_outrun(self, now: datetime) -> bool:
        """Whether a word that comes now may be one of what came before it."""
        return now - self.noted_at < _LATE


def is_after(later: datetime | None, earlier: datetime | None) -> bool:
    """Whether one is known to have happened after the other; None is not known."""
    return later is not None and earlier is not None and later > earlier


class TopicHistory(msgspec.Struct, kw_only=True):
    """By physical name; each event changes it."""

    deleted: dict[str, TopicDeletion] = {}
    """Topics that a node has seen deleted, and nobody made again."""
    doubtful: dict[str, TopicDeletion] = {}
    """Deletions of topics that a node told to be made again, so soon that its word may be of what
    came before; oldest first."""
    forgotten: set[str] = set()
    """Topics that somebody had us forget, although they may well be there."""
    made_anew: dict[str, int] = {}
    """The newest event that a topic which had been deleted was made again, or that the mirror began
    anew with it."""

    def copy(self) -> "TopicHistory":
        """The same, that what happens later does not change."""
        return TopicHistory(
            deleted=dict(self.deleted),
            doubtful=dict(self.doubtful),
            forgotten=set(self.forgotten),
            made_anew=dict(self.made_anew),
        )

    def mapped(self, event: TopicMapped, recorded: Recorded) -> None:
        """A topic came to be."""
        physical = event.physical
        self.forgotten.discard(physical)
        # One that was made anew is told of again when the mirror begins anew with it.
        deletion = self.deleted.pop(physical, None)
        if deletion is not None or physical in self.made_anew:
            self.made_anew[physical] = recorded.seq
        if deletion is not None and _is_by_node(recorded):
            self._doubt(physical, deletion, recorded.recorded_at)

    def unmapped(self, event: TopicUnmapped, recorded: Recorded) -> None:
        """It is gone. Only a node has seen it deleted; whoever else says so leaves it there."""
        physical = physical_name(event.vcluster, event.logical)
        doubtful = self.doubtful.pop(physical, None)
        if _is_by_node(recorded):
            self.deleted[physical] = TopicDeletion(at=event.at, noted_at=recorded.recorded_at)
            self.forgotten.discard(physical)
        elif not recorded.actor.startswith("system:"):
            self.forgotten.add(physical)
        elif doubtful is not None and doubtful.may_be_outrun(recorded.recorded_at):
            self.deleted[physical] = doubtful

    def seen_deleted(self, now: datetime | None) -> Iterator[str]:
        """Those that a node has seen deleted, and whatever was told since may be late.

        For who asks about topics that are not there: of one that is it says nothing.
        """
        yield from self.deleted
        for physical, deletion in self.doubtful.items():
            if now is not None and deletion.may_be_outrun(now):
                yield physical

    def vcluster_deleted(self, name: str) -> None:
        """Whoever gets that name again is told of all that is there."""
        self.forgotten = {topic for topic in self.forgotten if not topic.startswith(name)}

    def _doubt(self, physical: str, deletion: TopicDeletion, now: datetime) -> None:
        """A topic is said to be made again: if it is not there, what was said came in disorder."""
        while self.doubtful:
            oldest = next(iter(self.doubtful))
            if self.doubtful[oldest].may_be_outrun(now):
                break
            del self.doubtful[oldest]
        if deletion.may_be_outrun(now):
            self.doubtful[physical] = deletion


def _is_by_node(recorded: Recorded) -> bool:
    return recorded.actor.startswith("node:")
