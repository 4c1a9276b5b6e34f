"""Go or no-go: whether the gateway may do on the target what it may do now.

A cluster tells whoever asks what they may do, as one bit for each operation (KIP-430).
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from contract.mirror import Direction
from controlplane.domain.switch.events import Check

OPERATIONS: Final[Mapping[int, str]] = {
    3: "READ",
    4: "WRITE",
    5: "CREATE",
    6: "DELETE",
    7: "ALTER",
    8: "DESCRIBE",
    9: "CLUSTER_ACTION",
    10: "DESCRIBE_CONFIGS",
    11: "ALTER_CONFIGS",
    12: "IDEMPOTENT_WRITE",
}
"""Kafka's `AclOperation`, by the number of its bit."""

_NAMED: Final = 5


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What we may do on a cluster, as bits."""

    cluster: int
    topics: Mapping[str, int]
    """Of the scope, by physical name; those that the cluster has."""


def rights_checks(direction: Direction, ours: Rights, theirs: Rights) -> Iterator[Check]:
    """What of it the target does not let us do.

    Args:
        direction: from the cluster that serves to the target.
        ours: what we may do on the one that serves.
        theirs: the same on the target.
    """
    lacking = {
        f"topic {name}": missing
        for name, allowed in ours.topics.items()
        if name in theirs.topics and (missing := names_of(allowed & ~theirs.topics[name]))
    }
    if missing := names_of(ours.cluster & ~theirs.cluster):
        lacking = {"the cluster": missing, **lacking}
    for what, operations in list(lacking.items())[:_NAMED]:
        detail = (
            f"the gateway's user may not {', '.join(operations)} {what} on {direction.target}, as"
            f" it may on {direction.source}: add the ACLs there"
        )
        yield Check(name="acls", passed=False, detail=detail)
    if len(lacking) > _NAMED:
        rest = f"the same of {len(lacking) - _NAMED} more topics"
        yield Check(name="acls", passed=False, detail=rest)
    if not lacking:
        detail = f"what the gateway may do on {direction.source}, it may do on {direction.target}"
        yield Check(name="acls", passed=True, detail=detail)


def names_of(bits: int) -> list[str]:
    """The operations that a cluster's or a topic's bits stand for."""
    return [name for bit, name in OPERATIONS.items() if bits & (1 << bit)]
