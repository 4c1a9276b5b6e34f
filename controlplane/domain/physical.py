"""Physical clusters, the face that clients see, and the scope that is switched."""

from kio.schema.index import api_key_map

from contract.records import Cluster, Face
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.switch.events import Check

ApiVersions = dict[int, tuple[int, int]]


def describe_cluster(facts: Facts, command: commands.DescribeCluster) -> list[Event]:
    """A cluster is new or changed; nothing happens if it is as it was."""
    known = facts.cluster(command.name)
    index = known.index if known else sum(1 for _ in facts.control.of(Cluster))
    described = events.ClusterDescribed(
        name=command.name,
        index=index,
        role=command.role,
        cluster_id=command.cluster_id,
        brokers=tuple(sorted(command.brokers)),
        api_versions=command.api_versions,
    )
    return [] if known and _same(facts, known, described) else [described]


def _same(facts: Facts, known: Cluster, described: events.ClusterDescribed) -> bool:
    # A broker that is down for a while does not change the mapping of slots to brokers.
    return (
        known.role == described.role
        and known.cluster_id == described.cluster_id
        and set(described.brokers) <= set(known.brokers)
        and facts.api_versions.get(known.name) == described.api_versions
    )


def decide_face(facts: Facts, command: commands.DecideFace) -> list[Event]:
    """Slots for the largest cluster, the versions that all clusters offer; and the scope opens."""
    clusters = [facts.cluster(name) for name in command.clusters]
    described = [cluster for cluster in clusters if cluster is not None]
    if len(described) < len(command.clusters):
        return []
    decided: list[Event] = []
    if facts.face() is None:
        ranges = [facts.api_versions[cluster.name] for cluster in described]
        slots = max(len(cluster.brokers) for cluster in described)
        decided.append(events.FaceDecided(slots=slots, api_versions=common_versions(ranges)))
    if facts.routing(command.scope) is None:
        decided.append(events.ScopeOpened(scope=command.scope, cluster=command.scope))
    return decided


def common_versions(ranges: list[ApiVersions]) -> ApiVersions:
    """The versions of each API that everyone offers; APIs without a common version are left out."""
    if not ranges:
        return {}
    common = {}
    for key in sorted(set.intersection(*(set(r) for r in ranges))):
        low = max(r[key][0] for r in ranges)
        high = min(r[key][1] for r in ranges)
        if low <= high:
            common[key] = (low, high)
    return common


def versions_check(target: str, face: Face, offered: ApiVersions, *, forced: bool) -> Check:
    """Whether a cluster still offers every version that clients were shown, once and for ever.

    Args:
        target: its name.
        face: what clients were shown.
        offered: what it offers now.
        forced: let it pass all the same: most clients may well use none of what is lacking.
    """
    lacking = [
        f"{api_key_map[key]} {low} to {high}"
        for key, (low, high) in face.api_versions.items()
        if key not in offered or offered[key][0] > low or offered[key][1] < high
    ]
    if not lacking:
        detail = f"{target} offers all versions that clients use"
        return Check(name="api_versions", passed=True, detail=detail)
    detail = (
        f"{target} does not offer {', '.join(lacking)}, which clients use: its release is another"
        " than when the gateway first saw it"
    )
    return Check(name="api_versions", passed=forced, detail=detail)
