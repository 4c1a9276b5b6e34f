"""What a worker of MirrorMaker 2 in dedicated mode keeps of its connectors: a topic on the target.

A worker that starts runs them as they are stored there, and is given their present configuration
only a moment later. In that moment it copies what is to be left out by now, and makes topics again
that were deleted since. So what is stored is taken away before a worker starts with another order.
"""

import asyncio
from typing import Final

from contract.clusters_file import ClusterProperties
from controlplane.mirrors.offsets import CONNECTOR
from controlplane.mirrors.runner import MirrorUnavailableError
from controlplane.probes.failing import LookError
from controlplane.probes.reader import end_reader
from controlplane.publisher.producer import KAFKA_FAILURES, producer, send_all

_CONNECTORS: Final = (CONNECTOR, "MirrorCheckpointConnector", "MirrorHeartbeatConnector")
"""The names that dedicated mode gives them (`MirrorMaker.CONNECTOR_CLASSES`)."""
_BUDGET_S: Final = 30.0


def configs_topic(source: str) -> str:
    """The topic that holds the connectors of what is copied from `source`."""
    return f"mm2-configs.{source}.internal"


def keys_of_connectors() -> list[bytes]:
    """Of the records that hold them; without one there are no tasks of it either.

    Source: `KafkaConfigBackingStore.CONNECTOR_KEY`.
    """
    return [f"connector-{name}".encode() for name in _CONNECTORS]


async def forget_connectors(target: ClusterProperties, source: str) -> None:
    """Take away what is stored; no worker of that direction may run meanwhile.

    Raises:
        MirrorUnavailableError: the target does not take it.
    """
    topic = configs_topic(source)
    try:
        async with asyncio.timeout(_BUDGET_S):
            async with end_reader(target) as reader:
                if not await reader.partitions([topic]):
                    return
            async with producer(target) as opened:
                records = ({"topic": topic, "key": k, "value": None} for k in keys_of_connectors())
                await send_all(opened, records)
    except (LookError, *KAFKA_FAILURES) as error:
        raise MirrorUnavailableError(
            f"what {topic} on {target.name} stores of connectors cannot be taken away:"
            f" {error or type(error).__name__}"
        ) from error
