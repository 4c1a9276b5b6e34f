"""What a tenant left behind, and every way in which what it finds later can disagree.

A key of a compacted topic and a config of a topic are the same to it: a name that has the value
which was set last. Pure: functions of what was written and what was found.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


@dataclass
class Attempt:
    """Something that a client tried to set, or a record that it sent."""

    name: str
    """Of a key or a config; of a record, its partition."""
    value: str | None
    """None: it is to be gone (a tombstone, a config that is the default again)."""
    acknowledged: bool = False
    """If not, its outcome is unknown: it may have happened or not."""


class Surprise(Enum):
    """What a tenant can notice."""

    KEY_LOST = "key of a compacted topic, acknowledged, and gone"
    KEY_RISEN = "key of a compacted topic, deleted by a tombstone, and there again"
    KEY_STALE = "key of a compacted topic with another value than was acknowledged last"
    RECORD_LOST = "acknowledged by a topic that was made anew, and not in it"
    RECORD_RISEN = "in a topic that was made anew, and from before, or more than once"
    CONFIG_OTHER = "config of a topic that is not what was set last"
    TOPIC_RISEN = "topic that was deleted, and is there again"
    GROUP_RISEN = "group that was deleted, and is there again"


class Noticed(NamedTuple):
    """One surprise."""

    surprise: Surprise
    what: str
    """The key, the record, the config, the topic or the group."""
    detail: str
    """What was expected, and what was found."""


def noticed_keys(attempts: Iterable[Attempt], found: Mapping[str, str]) -> Iterator[Noticed]:
    """Keys whose last value is another than it may be.

    Args:
        attempts: every write, in order.
        found: the last value of each key for a reader of the whole topic; without deleted ones.
    """
    for key, may_be, value in _others(attempts, found):
        if value is None:
            surprise = Surprise.KEY_LOST
        elif may_be == {None}:
            surprise = Surprise.KEY_RISEN
        else:
            surprise = Surprise.KEY_STALE
        yield Noticed(surprise, key, _instead(may_be, value))


def noticed_configs(attempts: Iterable[Attempt], found: Mapping[str, str]) -> Iterator[Noticed]:
    """Configs that are other than they were set; `found` has all that the topic has of its own."""
    for config, may_be, value in _others(attempts, found):
        yield Noticed(Surprise.CONFIG_OTHER, config, _instead(may_be, value))


def noticed_records(attempts: Sequence[Attempt], found: Collection[str]) -> Iterator[Noticed]:
    """Records that are missing in a topic, or too much.

    Args:
        attempts: every record that was sent since the topic was made; no value twice.
        found: the value of every record that a reader from the beginning is given.
    """
    times = Counter(found)
    for attempt in attempts:
        if attempt.value is not None and attempt.acknowledged and attempt.value not in times:
            yield Noticed(Surprise.RECORD_LOST, attempt.value, f"partition {attempt.name}")
    sent = {attempt.value for attempt in attempts}
    for value, count in times.items():
        if value not in sent or count > 1:
            yield Noticed(Surprise.RECORD_RISEN, value, f"{count} times")


def noticed_returns(
    surprise: Surprise, deleted: Iterable[str], found: Collection[str]
) -> Iterator[Noticed]:
    """What was deleted for good, and is found."""
    for name in deleted:
        if name in found:
            yield Noticed(surprise, name, "listed")


def _others(
    attempts: Iterable[Attempt], found: Mapping[str, str]
) -> Iterator[tuple[str, set[str | None], str | None]]:
    """Name, what it may be and what it is, of each that is something else."""
    never_set: dict[str, set[str | None]] = {name: {None} for name in found}
    expected = never_set | _may_be(attempts)
    for name, may_be in expected.items():
        value = found.get(name)
        if value not in may_be:
            yield name, may_be, value


def _may_be(attempts: Iterable[Attempt]) -> dict[str, set[str | None]]:
    """By name: what was acknowledged last, and whatever was tried since."""
    values: dict[str, set[str | None]] = {}
    for attempt in attempts:
        before = values.get(attempt.name, {None})
        values[attempt.name] = {attempt.value} | (set() if attempt.acknowledged else before)
    return values


def _instead(may_be: Iterable[str | None], value: str | None) -> str:
    expected = " or ".join(sorted(map(str, may_be)))
    return f"{value}, expected {expected}"
