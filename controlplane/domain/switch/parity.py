"""What a switch says of what is not alike on both clusters, beyond the records they hold."""

from collections.abc import Collection, Iterator
from typing import Final

from contract.mirror import Direction
from contract.shown import listed
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.view import View

_NAMED: Final = 3


def differences_cause(view: View) -> str | None:
    """Why a switch must not go on, of what was found to stay different; None if it may."""
    left = view.parity.refused(view.switch.waived) if view.parity is not None else ()
    if not left:
        return None
    named = "; ".join(difference.detail for difference in left[:_NAMED])
    rest = f"; and {len(left) - _NAMED} more differences" if len(left) > _NAMED else ""
    return f"{named}{rest}; or let it be so (--waive {left[0].name})"


def parity_checks(direction: Direction, found: Parity, waived: Collection[str]) -> Iterator[Check]:
    """What a switch would do to the target's topics, and what stands in its way.

    Args:
        direction: names of source and target.
        found: a comparison of both.
        waived: names of differences that may stay.
    """
    target = direction.target
    yield Check(name="parity", passed=True, detail=f"{target}: {told(found)}")
    for difference in found.left:
        passed = difference.harmless or difference.name in waived
        detail = difference.detail
        if not difference.harmless:
            detail += "; waived" if passed else f"; or let it be so (--waive {difference.name})"
        yield Check(name="parity", passed=passed, detail=detail)


def told(parity: Parity) -> str:
    """What is done, or was done, to the target's topics and groups."""
    done = [
        ("configs carried over", [change.name for change in parity.carried]),
        ("topics given more partitions", parity.partitions_added),
        ("topics deleted, as on the source", parity.topics_deleted),
        ("partitions without their first records", [t.partition for t in parity.trimmed]),
        ("groups deleted", parity.groups_deleted),
    ]
    parts = [f"{len(names)} {what} ({_some(names)})" for what, names in done if names]
    if parity.positions_deleted:
        parts.append(f"{parity.positions_deleted} positions of groups deleted")
    return f"{parity.topics} topics compared; " + ("; ".join(parts) or "nothing to change")


def _some(names: Collection[str]) -> str:
    named = listed(list(names)[:_NAMED])
    return named if len(names) <= _NAMED else f"{named} and {len(names) - _NAMED} more"


def parity_cause(view: View) -> str:
    """Why a switch did not get on that was about to make the target alike."""
    return (
        f"{view.switch.to_cluster} was not made in time what {view.switch.from_cluster} is, in its"
        f" topics and groups: {view.unfinished}"
    )


def tombstones_cause(view: View) -> str:
    """Why a switch did not get on that was about to look for keys that were cleaned away."""
    return (
        f"compacted topics of {view.switch.from_cluster} and {view.switch.to_cluster} were not"
        f" compared in time: {view.unfinished}"
    )
