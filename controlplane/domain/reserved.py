"""Names on the physical clusters that belong to no tenant: Interlock's own and the mirror's.

A virtual cluster sees, and may write, everything that begins with its name.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from contract.records import CONTROL_TOPIC, Cluster
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.own_topics import mirror_topics

MAPPINGS_TOPIC: Final = "_topicMappings"
"""The incumbent's; written for whoever looks there."""
_FAMILIES: Final = ("mm2-", "interlock-")
"""What the mirror's topics and groups and our transactional ids begin with."""


def reserved_topics(facts: Facts) -> frozenset[str]:
    """Topics that are the system's, on whichever cluster."""
    return mirror_topics(_clusters(facts)) | {CONTROL_TOPIC, MAPPINGS_TOPIC}


def reserved_by(facts: Facts, vcluster: str) -> str | None:
    """What of the system's would be a virtual cluster's of this name; None if nothing would."""
    for family in _FAMILIES:
        if vcluster.startswith(family):
            return f"{family}*"
    return next((name for name in _names(facts) if name.startswith(vcluster)), None)


def _names(facts: Facts) -> Iterator[str]:
    yield from (f"{family}*" for family in _FAMILIES)
    yield from sorted(reserved_topics(facts))
    # Groups of MirrorMaker 2's workers (`MirrorMakerConfig`).
    yield from sorted(f"{cluster}-mm2" for cluster in _clusters(facts))


def _clusters(facts: Facts) -> Iterable[str]:
    return (cluster.name for cluster in facts.control.of(Cluster))
