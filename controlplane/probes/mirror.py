"""Compares two clusters: whether the old one stands still, and whether the target holds it all."""

import time
from collections.abc import Iterable

from aiokafka import TopicPartition

from controlplane.domain.switch.view import MirrorState, Sweep
from controlplane.probes.reader import EndReader, LastRecord

FAR_MS = 10_000
"""A target whose last record is older than the source's by this much is not close enough."""


async def sweep(source: EndReader, topics: Iterable[str]) -> Sweep:
    """The source's end offsets.

    Raises:
        UnreachableError: the source does not answer.
    """
    at = time.monotonic()
    ends = await source.ends(await source.partitions(topics))
    return Sweep(at=at, ends=tuple(sorted((_name(p), end) for p, end in ends.items())))


async def compare(source: EndReader, target: EndReader, topics: Iterable[str]) -> MirrorState:
    """How far the target is behind.

    Raises:
        UnreachableError: one of them does not answer.
    """
    at = time.monotonic()
    partitions = await source.partitions(topics)
    mirrored = set(await target.partitions(topics))
    there = [p for p in partitions if p in mirrored]
    ours = await source.last_records(partitions)
    theirs = await target.last_records(there)
    behind = [p for p in partitions if p not in mirrored or ours[p] not in {None, theirs[p]}]
    far = [p for p in behind if p not in mirrored or _far(ours[p], theirs[p])]
    return MirrorState(
        at=at,
        partitions=len(partitions),
        behind=tuple(_name(p) for p in behind),
        far_behind=tuple(_name(p) for p in far),
    )


def _far(ours: LastRecord | None, theirs: LastRecord | None) -> bool:
    if ours is None:
        return False
    return theirs is None or ours.timestamp - theirs.timestamp > FAR_MS


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
