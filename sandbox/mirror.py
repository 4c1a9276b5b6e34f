"""MirrorMaker 2 in dedicated mode, one direction, with the properties of the scenario."""

from pathlib import Path

from sandbox.kafka import KafkaCluster
from sandbox.kafka_release import KafkaRelease
from sandbox.probe import Check, SecureTopicExists, TopicExists
from sandbox.process import Process, Program
from sandbox.variables import inherited_without


def mirror_process(
    source: KafkaCluster,
    target: KafkaCluster,
    folder: Path,
    kafka: KafkaRelease,
    *,
    heartbeats_back: bool = True,
) -> Process:
    """Copies every topic and every group's offsets from one cluster to the other.

    Args:
        source: where records come from.
        target: where they go to.
        folder: receives the properties file and, under `logs`, the log.
        kafka: the release to run.
        heartbeats_back: also send heartbeats from target to source, as the scenario's file does
            by not saying otherwise. For that MirrorMaker starts a worker of the other direction;
            if that direction was ever mirrored, the worker finds its connector's stored
            configuration and resumes it, and records run in a circle.
    """
    file = folder / f"mm2-{source.name}-{target.name}.properties"
    properties = mirror_properties(source, target, heartbeats_back=heartbeats_back)
    file.touch(mode=0o600)
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    return Process(
        Program(
            name="mirror-maker",
            command=kafka.command(
                "org.apache.kafka.connect.mirror.MirrorMaker", str(file), log_level="INFO"
            ),
            log=folder / "logs" / "mirror-maker.log",
            # The last topic that it creates for itself; its connectors have started by then.
            ready=_topic_exists(target, f"{source.name}.checkpoints.internal"),
            address=f"{source.name} -> {target.name}",
            environment=inherited_without("KAFKA_", "CLASSPATH"),
        )
    )


def _topic_exists(cluster: KafkaCluster, topic: str) -> Check:
    port = cluster.addresses[0].port
    if cluster.security is None:
        return TopicExists(port, topic)
    return SecureTopicExists(port, topic, cluster.security.librdkafka())


def mirror_properties(
    source: KafkaCluster, target: KafkaCluster, *, heartbeats_back: bool
) -> dict[str, str]:
    """`mm2.properties`: names stay as they are, offsets of groups follow every ten seconds."""
    there, back = f"{source.name}->{target.name}", f"{target.name}->{source.name}"
    properties = {
        "clusters": f"{source.name}, {target.name}",
        f"{source.name}.bootstrap.servers": source.bootstrap_servers,
        f"{target.name}.bootstrap.servers": target.bootstrap_servers,
        f"{there}.enabled": "true",
        f"{back}.enabled": "false",
        f"{there}.topics": ".*",
        f"{there}.groups": ".*",
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "10",
        "emit.checkpoints.interval.seconds": "10",
        "refresh.topics.interval.seconds": "10",
        "refresh.groups.interval.seconds": "10",
        f"{source.name}.consumer.auto.offset.reset": "earliest",
        "replication.factor": "1",
        "checkpoints.topic.replication.factor": "1",
        "heartbeats.topic.replication.factor": "1",
        "offset-syncs.topic.replication.factor": "1",
        "offset.storage.replication.factor": "1",
        "status.storage.replication.factor": "1",
        "config.storage.replication.factor": "1",
        # Looking through every class for plugins, three times, would take two thirds of the start.
        "plugin.discovery": "service_load",
        f"{source.name}.plugin.discovery": "service_load",
        f"{target.name}.plugin.discovery": "service_load",
    }
    for cluster in (source, target):
        access = cluster.client_properties.items()
        properties |= {f"{cluster.name}.{key}": value for key, value in access}
    if not heartbeats_back:
        properties[f"{back}.emit.heartbeats.enabled"] = "false"
    return properties
