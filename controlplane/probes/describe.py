"""What a physical cluster is: its id, its brokers, the API versions that all of them offer."""

from typing import Any

import msgspec
from aiokafka.errors import BrokerResponseError, KafkaError, RequestTimedOutError
from aiokafka.protocol.admin import ApiVersionRequest

from contract.clusters_file import ClusterProperties
from controlplane.domain.physical import ApiVersions, common_versions
from controlplane.probes.connection import admin_client
from controlplane.probes.failing import LookError, RefusedError
from upstream.access import access_to


class UnreachableError(LookError):
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
        raise await failed(cluster, error) from error
    return Description(
        cluster_id=described["cluster_id"], brokers=brokers, api_versions=common_versions(ranges)
    )


async def failed(cluster: ClusterProperties, error: Exception) -> LookError:
    """What to say of a cluster that could not be asked: a refused log-in above all."""
    refusal = await access_to(cluster).refusal()
    if refusal is not None:
        return UnreachableError(f"cluster {cluster.name} does not let us in: {refusal}")
    return no_answer(cluster, error)


def no_answer(cluster: ClusterProperties, error: Exception) -> LookError:
    """What to say of a question that failed, of a cluster that lets us in."""
    # The client's own deadline has the name of a broker's answer.
    answers = isinstance(error, BrokerResponseError) and not isinstance(error, RequestTimedOutError)
    at, why = (
        f"cluster {cluster.name} at {cluster.bootstrap_servers}",
        error or type(error).__name__,
    )
    if answers:
        return RefusedError(f"{at} answers with an error: {why}")
    return UnreachableError(f"{at} does not answer: {why}")


async def _versions(admin: Any, broker: int) -> dict[int, tuple[int, int]]:
    answer = await admin._send_request_to_node(broker, ApiVersionRequest())  # noqa: SLF001 - the public client has no way to name the broker
    return {key: (low, high) for key, low, high, *_ in answer.api_versions}
