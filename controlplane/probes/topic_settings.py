"""Topics with the settings that a mirrored record depends on."""

from collections.abc import Collection
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contract.clusters_file import ClusterProperties
from controlplane.domain.switch.readiness import Topic
from controlplane.probes.connection import admin_client
from controlplane.probes.describe import failed

_SETTINGS = ("message.timestamp.type", "max.message.bytes")


async def topics_with_settings(
    cluster: ClusterProperties, names: Collection[str]
) -> tuple[dict[str, Topic], frozenset[str]]:
    """Those of the topics that the cluster has, and the names of all that it has.

    Raises:
        UnreachableError: it does not answer.
    """
    try:
        async with admin_client(cluster) as admin:
            # All are asked for: a broker may create a topic that is asked for by name.
            described = await admin.describe_topics()
            sizes = {t["topic"]: len(t["partitions"]) for t in described}
            wanted = sorted(name for name in names if sizes.get(name))
            configs = await _configs(admin, wanted)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await failed(cluster, error) from error
    topics = {n: Topic(partitions=sizes[n], configs=configs.get(n, {})) for n in wanted}
    return topics, frozenset(sizes)


async def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """Settings by topic; none of a topic whose settings we may not read."""
    if not names:
        return {}
    filters = dict.fromkeys(_SETTINGS)
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, filters) for name in names]
    found: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(asked):
        for error_code, _message, _kind, name, entries in answer.resources:
            if error_code == 0:
                found[name] = {entry[0]: entry[1] for entry in entries}
    return found
