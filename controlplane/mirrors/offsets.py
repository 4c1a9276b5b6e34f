"""Where MirrorMaker 2 in dedicated mode keeps its positions: a compacted topic on the target.

Key and value are as Kafka Connect writes them (`OffsetStorageWriter`, JSON without schemas), with
the properties in the order of `MirrorUtils.wrapPartition`; Connect's own partitioner is Kafka's.
"""

import asyncio

import msgspec

from contract.clusters_file import ClusterProperties
from controlplane.domain.mirror.events import Position
from controlplane.mirrors.runner import MirrorUnavailableError
from controlplane.publisher.producer import KAFKA_FAILURES, producer, send_all
from controlplane.publisher.topics import create_if_missing

CONNECTOR = "MirrorSourceConnector"
"""The name that dedicated mode gives to its source connector."""
_PARTITIONS = 25
"""Default of Connect's `offset.storage.partitions`."""
_BUDGET_S = 30.0


def offsets_topic(source: str) -> str:
    """The topic that holds the positions of what is copied from `source`."""
    return f"mm2-offsets.{source}.internal"


def record_of(source: str, position: Position) -> tuple[bytes, bytes | None]:
    """Key and value of one position; no value takes away what was there."""
    partition = {"cluster": source, "partition": position.partition, "topic": position.topic}
    key = msgspec.json.encode([CONNECTOR, partition])
    if position.offset is None:
        return key, None
    return key, msgspec.json.encode({"offset": position.offset})


async def write_positions(
    target: ClusterProperties, source: str, positions: tuple[Position, ...]
) -> None:
    """Write all positions; MirrorMaker 2 must not run in that direction meanwhile.

    Raises:
        MirrorUnavailableError: the target does not take them.
    """
    topic = offsets_topic(source)
    try:
        async with asyncio.timeout(_BUDGET_S):
            await create_if_missing(target, topic, {}, partitions=_PARTITIONS)
            async with producer(target) as opened:
                pairs = (record_of(source, position) for position in positions)
                await send_all(
                    opened, ({"topic": topic, "key": key, "value": value} for key, value in pairs)
                )
    except KAFKA_FAILURES as error:
        raise MirrorUnavailableError(
            f"positions cannot be written to {topic} on {target.name}:"
            f" {error or type(error).__name__}"
        ) from error
