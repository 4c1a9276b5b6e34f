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


def login_name(vcluster: str, account: str) -> str:
    """What an account is called where only a user name says who logs in: SCRAM has no more."""
    return f"{account}@{vcluster}"


def split_login_name(name: str) -> tuple[str, str] | None:
    """Virtual cluster and account of a login name; neither can hold an `@`. None if it is none."""
    account, at, vcluster = name.partition("@")
    return (vcluster, account) if at and account and vcluster and "@" not in vcluster else None


_TOPIC = re.compile(r"[a-zA-Z0-9._-]+")


def is_topic_name(name: str) -> bool:
    """Whether Kafka takes a name for a topic (`Topic.validate`)."""
    return (
        _TOPIC.fullmatch(name) is not None
        and len(name) <= TOPIC_NAME_LIMIT
        and name not in {".", ".."}
    )


def overlapping(name: str, others: frozenset[str]) -> str | None:
    """The first of `others` that `name` is a prefix of, or that is a prefix of `name`.

    `.` and `_` are the same to it: Kafka refuses a topic if only that tells it from another
    (`Topic.hasCollision`), so one virtual cluster would find out the other's names, and block them.
    """
    folded = _folded(name)
    for other in sorted(others - {name}):
        if _folded(other).startswith(folded) or folded.startswith(_folded(other)):
            return other
    return None


def _folded(name: str) -> str:
    return name.replace(".", "_")
