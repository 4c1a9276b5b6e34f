"""Which numbering of a partition begins with a switch: the one that there is, if it can go on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from contract.numbering import Numbering
from contract.records import Offsets
from controlplane.domain.numbering.runs import Run
from controlplane.domain.numbering.stretches import led_on, stretches_of, thinned

MOST_STRETCHES: Final = 256
"""Of one partition."""
_MOST_OF_TOPIC: Final = 10_000
"""Of a topic: about 300 KiB as a record, where brokers take 1 MiB."""
_LEAST: Final = 8
UNSEEN: Final = 1 << 40
"""So many numbers are left out where nobody saw the end of the numbering before."""


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """A partition on both clusters, as it is known when a switch is about to commit."""

    topic: str
    partition: int
    source_end: int
    target_begin: int
    target_end: int | None
    """None: nothing is known of the target but what was seen before."""
    runs: tuple[Run, ...]


class Renumbered(msgspec.Struct, frozen=True, kw_only=True):
    """A partition in which a new numbering begins."""

    partition: str
    """`topic-n`."""
    floor: int
    """Its lowest number."""
    stretches: int
    """What is known of older numbers."""


def decided(logs: Logs, ending: Numbering) -> Numbering:
    """The numbering of a partition on the cluster that is about to serve."""
    if agrees(logs, ending):
        shift = logs.runs[-1].shift if logs.runs else 0
        return Numbering(ending.partition, ending.delta - shift, ending.floor, ending.older)
    end = ending.number(logs.source_end)
    floor = end + 1 + (UNSEEN if logs.target_end is None else 0)
    newer = stretches_of(logs.runs, ending, floor, logs.target_begin)
    older = led_on(ending.older, ending.floor, newer) if ending.older else ()
    return Numbering(ending.partition, floor, floor, thinned((*older, *newer), MOST_STRETCHES))


def agrees(logs: Logs, ending: Numbering) -> bool:
    """Whether every record that is known has the same number on both sides, from first to last.

    What was not read between two places that agree is taken to agree.
    """
    if logs.target_end is None or not logs.runs:
        return False
    first, last = logs.runs[0], logs.runs[-1]
    return (
        all(run.shift == last.shift for run in logs.runs)
        and all(run.whole for run in logs.runs[1:])
        and (last.end, last.target_end) == (logs.source_end, logs.target_end)
        and (first.whole or first.target == logs.target_begin)
        and logs.target_begin + ending.delta - last.shift >= ending.floor
    )


def numbered(
    scope: str,
    epoch: int,
    found: Iterable[Logs],
    known: Iterable[Offsets],
    *,
    is_forced: bool = False,
) -> tuple[Offsets, ...]:
    """The records that a switch writes before it commits.

    A topic whose numbers are plain, before as after, has none; one that has a record from an
    earlier switch, even of one that was aborted, gets it anew.

    Args:
        scope: the scope.
        epoch: the one that the switch makes.
        found: both logs of every partition.
        known: the records that there are.
        is_forced: whether partitions may be there that are not among those found. If they have
            numbers of their own, a numbering begins of which older numbers know nothing.
    """
    before: dict[str, Mapping[int, Numbering]] = {
        offsets.physical: {n.partition: n for n in offsets.at(epoch - 1)} for offsets in known
    }
    both = {(logs.topic, logs.partition): logs for logs in found}
    if is_forced:
        unseen = {(topic, n): _unseen(topic, n) for topic, own in before.items() for n in own}
        both = unseen | both
    after: dict[str, list[Numbering]] = defaultdict(list)
    for (topic, partition), logs in both.items():
        ending = before.get(topic, {}).get(partition, Numbering(partition))
        after[topic].append(decided(logs, ending))
    return tuple(
        Offsets(
            scope=scope,
            physical=topic,
            epoch=epoch,
            partitions=_bounded(after.get(topic, [])),
            before=tuple(before.get(topic, {}).values()),
        )
        for topic in sorted(before.keys() | after.keys())
        if topic in before or any(not numbering.is_plain for numbering in after[topic])
    )


def renumbered(offsets: Offsets) -> tuple[Renumbered, ...]:
    """The partitions in which a new numbering begins."""
    floors = {numbering.partition: numbering.floor for numbering in offsets.before}
    return tuple(
        Renumbered(
            partition=f"{offsets.physical}-{numbering.partition}",
            floor=numbering.floor,
            stretches=len(numbering.older),
        )
        for numbering in offsets.partitions
        if numbering.floor != floors.get(numbering.partition, 0)
    )


def _unseen(topic: str, partition: int) -> Logs:
    return Logs(
        topic=topic, partition=partition, source_end=0, target_begin=0, target_end=None, runs=()
    )


def _bounded(numberings: list[Numbering]) -> tuple[Numbering, ...]:
    own = sorted((n for n in numberings if not n.is_plain), key=lambda n: n.partition)
    each = max(_LEAST, _MOST_OF_TOPIC // max(1, len(own)))
    return tuple(Numbering(n.partition, n.delta, n.floor, thinned(n.older, each)) for n in own)
