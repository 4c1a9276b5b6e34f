"""How a virtual cluster's names become names on a physical cluster.

physical = virtual cluster + logical, without a separator, as the incumbent does it. It follows that
no virtual cluster's name may be a prefix of another's: `team` + `Ausers` is `teamA` + `users`.
"""

import re

TOPIC_NAME_LIMIT = 249
"""Longest physical topic name in characters (Kafka: `Topic.MAX_NAME_LENGTH`)."""

_VIRTUAL_CLUSTER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")


def is_virtual_cluster_name(name: str) -> bool:
    """Whether a name can prefix topic names: Kafka's own alphabet, 1 to 64 characters."""
    return _VIRTUAL_CLUSTER.fullmatch(name) is not None


def physical_name(vcluster: str, logical: str) -> str:
    """The name on the physical cluster of a virtual cluster's topic, group or transactional id."""
    return vcluster + logical


def overlapping(name: str, others: frozenset[str]) -> str | None:
    """The first of `others` that `name` is a prefix of, or that is a prefix of `name`."""
    clashes = (
        o for o in sorted(others) if o != name and (o.startswith(name) or name.startswith(o))
    )
    return next(clashes, None)
