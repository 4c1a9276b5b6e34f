"""What clients did and what the clusters hold, and every way in which the two can disagree.

Each record says who wrote it and as which one: `writer:number`. A writer numbers its records
without a gap, and sends those of one partition in that order. Pure: times are seconds on one clock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Value(NamedTuple):
    """What a record says."""

    writer: str
    number: int

    def __str__(self) -> str:
        return f"{self.writer}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Value":
        """The value of a record as it is stored. Raises ValueError."""
        writer, _, number = text.rpartition(":")
        return cls(writer, int(number))


class Partition(NamedTuple):
    """A partition, by the logical name of its topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class Write:
    """A record that a client sent."""

    partition: Partition
    value: Value
    acknowledged_at: float | None
    """None: its outcome is unknown; it may stand in the log once, or not at all."""


@dataclass(frozen=True)
class Read:
    """A record that a member of a group was given."""

    group: str
    partition: Partition
    value: Value
    at: float


@dataclass(frozen=True)
class Entry:
    """A record in a cluster's log."""

    offset: int
    value: Value


Log = Mapping[Partition, Sequence[Entry]]
"""All that a cluster holds, in order of offset."""


@dataclass(frozen=True)
class Handover:
    """A committed switch."""

    committed_at: float
    given_up: Mapping[Partition, int] = field(default_factory=dict)
    """Offset on the old cluster from which on its records were said to be lost."""


@dataclass(frozen=True)
class History:
    """All that is known when everything has come to rest."""

    writes: Sequence[Write]
    reads: Sequence[Read]
    serving: Log
    """Of the cluster that serves at the end."""
    other: Log
    """Of the other one."""
    handovers: Sequence[Handover] = ()
    """In order of time."""


class Fault(Enum):
    """What can be wrong."""

    LOST = "acknowledged, and not on the cluster that serves"
    LOST_UNTOLD = "lost, and not within what the switch said would be"
    ACKNOWLEDGED_LATE = "acknowledged after a commit by the cluster that was given up"
    WRITTEN_TWICE = "in the log more than once"
    REORDERED = "in the log before a record that its writer had sent earlier"
    INVENTED = "in the log or given to a reader, and never sent"
    READ_TWICE = "given to a group more than once"
    READ_STALE = "given to a reader after a commit, and only on the cluster that was given up"
    READ_OUT_OF_ORDER = "given to a group after a later record of its partition"
    SKIPPED = "never given to a group that read to the end"


class Finding(NamedTuple):
    """One thing that is wrong."""

    fault: Fault
    partition: Partition
    value: Value
    who: str
    """The group, or the cluster (`serving`, `other`)."""


def judge(history: History) -> list[Finding]:
    """Everything that is wrong with a history; empty if clients noticed nothing."""
    return [
        *_losses(history),
        *_log_faults("serving", history.serving, history.writes),
        *_log_faults("other", history.other, history.writes),
        *_read_faults(history),
    ]


def _losses(history: History) -> Iterator[Finding]:
    held = _places(history.serving)
    left_behind = _places(history.other)
    last = history.handovers[-1] if history.handovers else None
    for write in history.writes:
        key = (write.partition, write.value)
        if write.acknowledged_at is None or key in held:
            continue
        yield Finding(_kind_of_loss(write, left_behind.get(key), last), *key, "serving")


def _kind_of_loss(write: Write, offset: int | None, last: Handover | None) -> Fault:
    if last is None or not last.given_up:
        if last is not None and offset is not None and _after(write.acknowledged_at, last):
            return Fault.ACKNOWLEDGED_LATE
        return Fault.LOST
    if _after(write.acknowledged_at, last):
        return Fault.ACKNOWLEDGED_LATE
    first = last.given_up.get(write.partition)
    told = first is not None and offset is not None and offset >= first
    return Fault.LOST if told else Fault.LOST_UNTOLD


def _after(at: float | None, handover: Handover) -> bool:
    return at is not None and at > handover.committed_at


def _log_faults(cluster: str, log: Log, writes: Iterable[Write]) -> Iterator[Finding]:
    sent = {(write.partition, write.value) for write in writes}
    for partition, entries in log.items():
        values = [entry.value for entry in entries]
        for value, times in Counter(values).items():
            if times > 1:
                yield Finding(Fault.WRITTEN_TWICE, partition, value, cluster)
            if (partition, value) not in sent:
                yield Finding(Fault.INVENTED, partition, value, cluster)
        for value in _overtaking(values):
            yield Finding(Fault.REORDERED, partition, value, cluster)


def _read_faults(history: History) -> Iterator[Finding]:
    given: dict[str, dict[Partition, list[Read]]] = defaultdict(lambda: defaultdict(list))
    for read in sorted(history.reads, key=lambda read: read.at):
        given[read.group][read.partition].append(read)
    for group, partitions in given.items():
        for partition, entries in history.serving.items():
            values = [read.value for read in partitions.get(partition, ())]
            yield from _reading_faults(group, partition, values, entries)
    yield from _unfounded(history)


def _reading_faults(
    group: str, partition: Partition, values: Sequence[Value], entries: Sequence[Entry]
) -> Iterator[Finding]:
    """What is wrong with what a group was given of one partition, in order."""
    counted = Counter(values)
    for value in dict.fromkeys(entry.value for entry in entries):
        if value not in counted:
            yield Finding(Fault.SKIPPED, partition, value, group)
    for value, times in counted.items():
        if times > 1:
            yield Finding(Fault.READ_TWICE, partition, value, group)
    for value in _overtaking(values):
        yield Finding(Fault.READ_OUT_OF_ORDER, partition, value, group)


def _unfounded(history: History) -> Iterator[Finding]:
    """Reads of what the cluster that serves does not hold."""
    held, left_behind = _places(history.serving), _places(history.other)
    committed_at = history.handovers[-1].committed_at if history.handovers else None
    for read in history.reads:
        key = (read.partition, read.value)
        if key in held:
            continue
        if key not in left_behind:
            yield Finding(Fault.INVENTED, *key, read.group)
        elif committed_at is not None and read.at > committed_at:
            yield Finding(Fault.READ_STALE, *key, read.group)


def _overtaking(values: Sequence[Value]) -> Iterator[Value]:
    """Values that stand before one which their writer had sent earlier."""
    first_seen = list(dict.fromkeys(values))
    earliest_after: dict[str, int] = {}
    for value in reversed(first_seen):
        later = earliest_after.get(value.writer)
        if later is not None and later < value.number:
            yield value
        else:
            earliest_after[value.writer] = value.number


def _places(log: Log) -> dict[tuple[Partition, Value], int]:
    """Offset of each record."""
    return {
        (partition, entry.value): entry.offset
        for partition, entries in log.items()
        for entry in entries
    }
