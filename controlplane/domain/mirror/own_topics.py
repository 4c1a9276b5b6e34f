"""Topics that a mirror keeps for itself, as Kafka's MirrorMaker 2 names them."""

from collections.abc import Iterable
from typing import Final

from contract.mirror import PROBE_TOPIC

_HEARTBEATS: Final = "heartbeats"
_OF_CLUSTER: Final = (
    "mm2-offset-syncs.{}.internal",
    "mm2-configs.{}.internal",
    "mm2-offsets.{}.internal",
    "mm2-status.{}.internal",
    "{}.checkpoints.internal",
    f"{{}}.{_HEARTBEATS}",
)


def mirror_topics(clusters: Iterable[str]) -> frozenset[str]:
    """Physical names, on whichever cluster; ours, to which records are written to be seen, too.

    Source: `MirrorMakerConfig`, `ReplicationPolicy` and `DefaultReplicationPolicy`, Kafka 4.3.
    """
    named = (pattern.format(cluster) for cluster in clusters for pattern in _OF_CLUSTER)
    return frozenset({PROBE_TOPIC, _HEARTBEATS, *named})
