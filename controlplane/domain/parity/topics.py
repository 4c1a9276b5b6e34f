"""Topics that a target has and the cluster which serves has not: deleted ones, and odd ones."""

from collections.abc import Collection, Mapping

import msgspec

from contract.mirror import Direction
from controlplane.domain.parity.configs import Difference


class Surplus(msgspec.Struct, frozen=True):
    """Topics that are on the target alone."""

    deleted: tuple[str, ...]
    """Those of which the log knows that they were deleted: they are deleted on the target, too."""
    unexplained: tuple[str, ...]
    """All others."""


def surplus(
    on_target: Collection[str], on_source: Collection[str], deleted: Collection[str]
) -> Surplus:
    """What the target has too much.

    Args:
        on_target: the scope's topics there, looked at before the source.
        on_source: those that the cluster has which serves.
        deleted: those of which the log knows that they were deleted, and not made since.
    """
    too_much = sorted(set(on_target) - set(on_source))
    known = set(deleted)
    return Surplus(
        tuple(topic for topic in too_much if topic in known),
        tuple(topic for topic in too_much if topic not in known),
    )


def unexplained(between: Direction, topics: Collection[str]) -> list[Difference]:
    """Topics that nobody is known to have deleted: clients would find them after a switch."""
    return [
        Difference(
            name=topic,
            detail=f"topic {topic} is on {between.target}, not on {between.source}, and nobody"
            " deleted it through the gateway: clients would find it after the switch; delete it on"
            f" {between.target}, or make it on {between.source}",
        )
        for topic in topics
    ]


def too_large(between: Direction, records: Mapping[str, int], most: int) -> list[Difference]:
    """Compacted topics that are not compared key by key, with how many records they hold."""
    return [
        Difference(
            name=topic,
            detail=f"topic {topic} is compacted and holds {count} records on both clusters, more"
            f" than are compared ({most}): a key that was deleted on {between.source} while the"
            " mirror stood still may be there again",
        )
        for topic, count in records.items()
    ]


def kept(between: Direction, refusals: Mapping[str, str]) -> list[Difference]:
    """Topics that the target does not delete, and why."""
    return [
        Difference(
            name=topic,
            detail=f"topic {topic} was deleted on {between.source}, and {between.target} does not"
            f" delete it: {why}; delete it there",
        )
        for topic, why in refusals.items()
    ]
