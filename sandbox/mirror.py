"""MirrorMaker 2 in dedicated mode, with the properties of the scenario.

With control planes it is run by `interlock mirrormaker`, which they tell the direction; without
them it copies from main to failover, once and for all.
"""

import shlex
import sys
from pathlib import Path

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from mirrormaker.properties import format_properties, mirror_properties
from sandbox.kafka import KafkaCluster
from sandbox.kafka_release import KafkaRelease
from sandbox.planes import PlaneSettings
from sandbox.probe import Check, HttpUp, SecureTopicExists, TopicExists
from sandbox.process import Process, Program
from sandbox.variables import inherited_without

NAME = "mirror-maker"


def mirror_process(
    source: KafkaCluster, target: KafkaCluster, folder: Path, kafka: KafkaRelease
) -> Process:
    """Copies every topic and every group's offsets from one cluster to the other."""
    file = folder / f"mm2-{source.name}-{target.name}.properties"
    _write(file, one_way(source, target))
    return Process(
        Program(
            name=NAME,
            command=[*_command(kafka), str(file)],
            log=folder / "logs" / f"{NAME}.log",
            # The last topic that it creates for itself; its connectors have started by then.
            ready=_topic_exists(target, f"{source.name}.checkpoints.internal"),
            address=f"{source.name} -> {target.name}",
            environment=inherited_without("KAFKA_", "CLASSPATH"),
        )
    )


def supervised_mirror(settings: PlaneSettings, kafka: KafkaRelease) -> Process:
    """Copies in the direction that the control planes order; until then it waits."""
    file = settings.folder / "mm2-base.properties"
    _write(file, base_properties())
    port = settings.ports.mirror
    own = {
        "INTERLOCK_MIRROR_COMMAND": shlex.join(_command(kafka)),
        "INTERLOCK_MIRROR_PROPERTIES": str(file),
        "INTERLOCK_MIRROR_FOLDER": str(settings.folder),
        "INTERLOCK_MIRROR_PORT": str(port),
    }
    return Process(
        Program(
            name=NAME,
            command=[sys.executable, "-m", "interlock", "mirrormaker"],
            log=settings.folder / "logs" / f"{NAME}.log",
            ready=HttpUp(port, "/health/live"),
            address=f"http://localhost:{port}",
            environment={**settings.shared_variables(), **own},
            grace_s=40.0,
        )
    )


def supervisor_variables(settings: PlaneSettings) -> dict[str, str]:
    """What tells the control planes that the mirror is theirs."""
    return {
        "INTERLOCK_MIRROR": "process",
        "INTERLOCK_MIRROR_SUPERVISOR": f"http://localhost:{settings.ports.mirror}",
        # The scenario looks at main after the switch, and does not expect the new record there.
        "INTERLOCK_MIRROR_REVERSAL": "on_request",
    }


def one_way(source: KafkaCluster, target: KafkaCluster) -> dict[str, str]:
    """`mm2.properties`: names stay as they are, offsets of groups follow every ten seconds."""
    direction = Direction(source=source.name, target=target.name)
    clusters = {
        cluster.name: ClusterProperties(
            name=cluster.name,
            role="upstream",
            properties={
                "bootstrap.servers": cluster.bootstrap_servers,
                **cluster.client_properties,
            },
        )
        for cluster in (source, target)
    }
    return mirror_properties(clusters, direction, base_properties())


def base_properties() -> dict[str, str]:
    """What is the same in both directions, on top of what `interlock mirrormaker` lays down."""
    replicated = ("", "checkpoints.topic", "heartbeats.topic", "offset-syncs.topic")
    stored = ("offset.storage", "status.storage", "config.storage")
    factors = {f"{what}.replication.factor".lstrip("."): "1" for what in (*replicated, *stored)}
    return factors | {
        "main->failover.topics": ".*",
        "main->failover.groups": ".*",
        "main.consumer.auto.offset.reset": "earliest",
        "failover.consumer.auto.offset.reset": "earliest",
        # Looking through every class for plugins, three times, would take two thirds of the start.
        "plugin.discovery": "service_load",
        "main.plugin.discovery": "service_load",
        "failover.plugin.discovery": "service_load",
    }


def _command(kafka: KafkaRelease) -> list[str]:
    return kafka.command("org.apache.kafka.connect.mirror.MirrorMaker", log_level="INFO")


def _write(file: Path, properties: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(format_properties(properties))


def _topic_exists(cluster: KafkaCluster, topic: str) -> Check:
    port = cluster.addresses[0].port
    if cluster.security is None:
        return TopicExists(port, topic)
    return SecureTopicExists(port, topic, cluster.security.librdkafka())
