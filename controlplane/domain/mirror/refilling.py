"""When the mirror has to begin anew with topics that were deleted and made again.

A mirror goes on in the new log where it stood in the old one. If that is shorter, it notices and
begins with the first record; if more was written by then, it passes over what stands before.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

PATIENCE_S: Final = 10.0
"""By then a mirror that has noticed has brought the first record."""
PAUSE_S: Final = 60.0
"""The mirror stands still for some seconds each time, for all topics: not more often than this."""


class Refilling(msgspec.Struct, frozen=True):
    """Topics of which the replica lacks the first record, and what was done about it."""

    since: Mapping[str, float] = {}
    """By topic, when that was seen first; monotonic seconds, like all of these."""
    begun_at: float | None = None
    """When the mirror was made to begin anew last."""


def looked_at(known: Refilling, lacking: Collection[str], now: float) -> Refilling:
    """What is known after one more look.

    Args:
        known: before.
        lacking: topics whose first record is not on the replica.
        now: when the look began.
    """
    since = {topic: known.since.get(topic, now) for topic in lacking}
    return msgspec.structs.replace(known, since=since)


def due(known: Refilling, now: float) -> frozenset[str]:
    """Topics with which the mirror is to begin anew at this moment: none, or all of them."""
    waited = {topic for topic, since in known.since.items() if now >= since + PATIENCE_S}
    is_over = known.begun_at is None or now >= known.begun_at + PAUSE_S
    return frozenset(known.since) if waited and is_over else frozenset()


def begun(known: Refilling, now: float) -> Refilling:
    """What is known once the mirror was made to begin anew."""
    return msgspec.structs.replace(known, begun_at=now)
