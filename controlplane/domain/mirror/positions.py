"""Where the new direction begins, in every partition of its source."""

from collections.abc import Collection, Container, Iterator, Mapping

from controlplane.domain.mirror.events import Position
from controlplane.domain.switch.events import Ends


def positions_at(
    cut: Ends,
    source_ends: Ends,
    governed: Container[str],
    on_target: Collection[str],
    filled_again: Collection[str] = (),
) -> tuple[Position, ...]:
    """Positions with which each record is copied exactly once.

    Args:
        cut: end offsets of the source when the switch committed.
        source_ends: its end offsets now, with the old direction stopped.
        governed: topics that are written through the gateway. What they hold beyond the cut, or
            without being in it, was written after the commit.
        on_target: topics that the target has. One that nobody governs, and that both have, begins
            at its present end: it has been mirrored so far, and whoever writes to it decides
            where.
        filled_again: topics of which everything is copied: the target's are empty.
    """
    known = {name: end for name, end in cut if split(name)[0] not in filled_again}
    # What is filled again is copied from its beginning, as what is governed and in no cut.
    taken_over = frozenset(on_target).difference(filled_again)
    return tuple(_positions(known, source_ends, governed, taken_over))


def _positions(
    cut: Mapping[str, int],
    source_ends: Ends,
    governed: Container[str],
    on_target: Collection[str],
) -> Iterator[Position]:
    for name, end in source_ends:
        topic, partition = split(name)
        if is_internal(topic):
            continue
        begin = 0
        if name in cut:
            # Beyond its own end: the topic was deleted and made anew since.
            begin = cut[name] if cut[name] <= end else 0
        elif topic not in governed and topic in on_target:
            begin = end
        yield Position(topic=topic, partition=partition, offset=begin - 1 if begin else None)


def split(name: str) -> tuple[str, int]:
    """Topic and number of a partition that is written as `topic-n`."""
    topic, _, partition = name.rpartition("-")
    return topic, int(partition)


def is_internal(topic: str) -> bool:
    """Whether MirrorMaker 2 never copies the topic, or copies it under another name (heartbeats).

    Source: `ReplicationPolicy.isInternalTopic` and the default of `topics.exclude`, Kafka 4.3.
    """
    return topic.startswith(("__", ".")) or topic.endswith(
        (".internal", "-internal", ".replica", "heartbeats")
    )


def grown_too_much(
    positions: tuple[Position, ...], before: Ends, target_now: Ends, source_now: Ends
) -> tuple[str, ...]:
    """Partitions of the target that got more records than were to be copied to them.

    Args:
        positions: where copying began.
        before: end offsets of the target before it began.
        target_now: the same, later.
        source_now: end offsets of the source, looked at after that.
    """
    were, now = dict(before), dict(source_now)
    begins = {
        f"{p.topic}-{p.partition}": (p.offset + 1 if p.offset is not None else 0) for p in positions
    }
    return tuple(
        name
        for name, end in target_now
        if name in begins and end - were.get(name, 0) > now.get(name, 0) - begins[name]
    )
