"""What a physical cluster is: its id, its brokers, the API versions that all of them offer."""

from typing import Any

import msgspec
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import ApiVersionRequest

from contract.clusters_file import ClusterProperties
from controlplane.domain.physical import ApiVersions, common_versions
from controlplane.probes.connection import admin_client
from upstream.access import access_to


class UnreachableError(Exception):
    """A physical cluster did not answer; the message names it and says how."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A physical cluster as it presents itself."""

    cluster_id: str
    brokers: tuple[int, ...]
    api_versions: ApiVersions


async def describe(cluster: ClusterProperties) -> Description:
    """Ask a cluster what it is.

    Raises:
        UnreachableError: no answer, or not from every broker that it lists.
    """
    try:
        async with admin_client(cluster) as admin:
            described = await admin.describe_cluster()
            brokers = tuple(sorted(broker["node_id"] for broker in described["brokers"]))
            ranges = [await _versions(admin, broker) for broker in brokers]
    except (KafkaError, OSError, TimeoutError) as error:
        raise await unreachable(cluster, error) from error
    return Description(
        cluster_id=described["cluster_id"], brokers=brokers, api_versions=common_versions(ranges)
    )


async def unreachable(cluster: ClusterProperties, error: Exception) -> UnreachableError:
    """What to say of a cluster that could not be asked: a refused log-in above all."""
    refusal = await access_to(cluster).refusal()
    if refusal is not None:
        return UnreachableError(f"cluster {cluster.name} does not let us in: {refusal}")
    return UnreachableError(
        f"cluster {cluster.name} at {cluster.bootstrap_servers} does not answer:"
        f" {error or type(error).__name__}"
    )


async def _versions(admin: Any, broker: int) -> dict[int, tuple[int, int]]:
    answer = await admin._send_request_to_node(broker, ApiVersionRequest())  # noqa: SLF001 - the public client has no way to name the broker
    return {key: (low, high) for key, low, high, *_ in answer.api_versions}
