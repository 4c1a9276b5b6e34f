"""What a switch cost its clients, counted from what was acknowledged and what can be read back."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Counts of records; all of them are of the clients that ran across the switch."""

    acknowledged: int
    lost: int
    """Acknowledged, and not in the cluster that serves now."""
    written_twice: int
    """In the cluster that serves now more than once."""
    read: int
    """Different records that the consumer group saw."""
    read_twice: int
    """Times that the group saw a record that it had seen before."""
    unread: int
    """In the cluster that serves now, and never seen by the group."""


def cost_of(acknowledged: Iterable[bytes], log: Iterable[bytes], consumed: Iterable[bytes]) -> Cost:
    """Count; every record's value is unique where it was produced.

    Args:
        acknowledged: values whose writes were acknowledged to their producers.
        log: values read back from the physical topic of the cluster that serves now.
        consumed: values that the consumer group got, in whatever order, with repetitions.
    """
    promised = set(acknowledged)
    written = Counter(log)
    seen = Counter(consumed)
    return Cost(
        acknowledged=len(promised),
        lost=len(promised - written.keys()),
        written_twice=sum(count - 1 for count in written.values()),
        read=len(seen),
        read_twice=sum(count - 1 for count in seen.values()),
        unread=len(written.keys() - seen.keys()),
    )
