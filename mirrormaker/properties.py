"""`mm2.properties` for one direction, and that one only."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction

_DEFAULTS: Mapping[str, str] = {
    "sync.group.offsets.enabled": "true",
    "sync.group.offsets.interval.seconds": "10",
    "emit.checkpoints.interval.seconds": "10",
    "refresh.topics.interval.seconds": "10",
    "refresh.groups.interval.seconds": "10",
    # Control planes carry them over: a mirror that is about to be turned round would put back what
    # was changed since the switch.
    "sync.topic.configs.enabled": "false",
}
_WORKER_DEFAULTS: Mapping[str, str] = {
    # Positions are kept this often; what was copied since is copied again after a crash.
    "offset.flush.interval.ms": "1000",
}
"""Heeded among the target's properties only (`MirrorMakerConfig.workerConfig`)."""
_PRODUCER_DEFAULTS: Mapping[str, str] = {
    # A record is measured before it is compressed, and tenants write what is large only then. More
    # in one request no broker takes by default (socket.request.max.bytes).
    "max.request.size": "100000000",
    "buffer.memory": "134217728",
    # What came compressed fits into the target's limits only so; this codec every client reads.
    "compression.type": "gzip",
}
_CONSUMER_DEFAULTS: Mapping[str, str] = {
    # Records that are large when they are not compressed are all in memory at once.
    "max.poll.records": "100",
}
PLUGINS: Final = Path(__file__).parent / "plugins"
"""Where our own plugins of Kafka Connect are."""
TRANSFORM: Final = "interlock.mirrormaker.KnownTimestamp"
"""Lets records pass that Kafka Connect would fail the task for."""
_OURS: Final = "interlockTimestamps"
_EXCLUDED: Mapping[str, str] = {
    "topics.exclude": r".*[\-\.]internal, .*\.replica, __.*",
    "groups.exclude": "console-consumer-.*, connect-.*, __.*",
}
"""MirrorMaker 2's own defaults (`DefaultTopicFilter` and `DefaultGroupFilter`, Kafka 4.3)."""
_IDENTITY = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"


def mirror_properties(
    clusters: Mapping[str, ClusterProperties],
    direction: Direction,
    given: Mapping[str, str],
    left_out: Sequence[str] = (),
) -> dict[str, str]:
    """Everything that MirrorMaker 2 is told.

    Args:
        clusters: the physical clusters by name.
        direction: the only way in which records are to be copied.
        given: the operator's own properties.
        left_out: virtual clusters whose topics and groups are not copied.
    """
    there, back = f"{direction}.", f"{direction.back}."
    common = {k: v for k, v in given.items() if not k.startswith((there, back))}
    turned = {there + k.removeprefix(back): v for k, v in given.items() if k.startswith(back)}
    own = {k: v for k, v in given.items() if k.startswith(there)}
    # What a transaction took back must not come to stand on the other cluster.
    committed_only = {f"{direction.source}.consumer.isolation.level": "read_committed"}
    workers = {
        f"{direction.target}.{key}": given.get(key, default)
        for key, default in _WORKER_DEFAULTS.items()
    }
    clients = {f"{direction.target}.producer.{k}": v for k, v in _PRODUCER_DEFAULTS.items()}
    clients |= {f"{direction.source}.consumer.{k}": v for k, v in _CONSUMER_DEFAULTS.items()}
    properties = {**_DEFAULTS, **committed_only, **workers, **clients, **common, **turned, **own}
    properties |= _plugins(direction, properties)
    properties |= _exclusions(direction, properties, left_out)
    properties |= {
        "clusters": f"{direction.source}, {direction.target}",
        f"{there}enabled": "true",
        f"{back}enabled": "false",
        # Else a worker of the other direction starts for its heartbeats, finds its connector's
        # stored configuration and resumes it: records would run in a circle.
        f"{back}emit.heartbeats.enabled": "false",
        "replication.policy.class": _IDENTITY,
    }
    for name in (direction.source, direction.target):
        access = clusters[name].properties.items()
        properties |= {f"{name}.{key}": value for key, value in access}
    return properties


def _plugins(direction: Direction, properties: Mapping[str, str]) -> dict[str, str]:
    """Our transformation, behind those of the operator.

    Workers of both clusters find it: the threads of all workers of a process look for classes
    where the one that was made last does.
    """
    places = [f"{cluster}.plugin.path" for cluster in (direction.source, direction.target)]
    folders = {place: properties.get(place, properties.get("plugin.path")) for place in places}
    chain = f"{direction}.transforms"
    theirs = properties.get(chain, properties.get("transforms"))
    return {
        **{place: f"{own},{PLUGINS}" if own else str(PLUGINS) for place, own in folders.items()},
        chain: f"{theirs},{_OURS}" if theirs else _OURS,
        f"{chain}.{_OURS}.type": TRANSFORM,
    }


def _exclusions(
    direction: Direction, properties: Mapping[str, str], left_out: Sequence[str]
) -> dict[str, str]:
    """What belongs to these virtual clusters, beside what is excluded anyway."""
    if not left_out:
        return {}
    theirs = [f"{re.escape(vcluster)}.*" for vcluster in left_out]
    found = {}
    for name, default in _EXCLUDED.items():
        place = f"{direction}.{name}"
        found[place] = ",".join([properties.get(place, properties.get(name, default)), *theirs])
    return found


def parse_properties(text: str) -> dict[str, str]:
    """A properties file: `key=value` lines, comments and blank lines left out."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#!")
    return {key.strip(): value.strip() for key, _, value in pairs}


def format_properties(properties: Mapping[str, str]) -> str:
    """A properties file; a backslash in a value is Java's escape, and is doubled."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
