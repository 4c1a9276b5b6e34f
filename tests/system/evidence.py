"""What became of a load: every acknowledged record has to stand on a cluster."""

from tests.system.load import Load
from tests.system.operator import Operator

CLUSTERS = ("main", "failover")


def assert_all_written(operator: Operator, load: Load, topic: str) -> None:
    """Everything that the application sent was acknowledged, and stands on one of the clusters."""
    assert load.failed == []
    assert len(load.acknowledgements) == load.sent
    where = find(operator, topic)
    assert [a.value for a in load.acknowledgements if a.value not in where] == []


def find(operator: Operator, topic: str, clusters: tuple[str, ...] = CLUSTERS) -> dict[bytes, str]:
    """On which cluster each record stands; the last of `clusters`, if on several."""
    return {
        value: cluster
        for cluster in clusters
        for value in operator.physical_records(cluster, topic)
    }
