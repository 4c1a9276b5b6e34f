"""What the workers of MirrorMaker 2 in dedicated mode note of their connectors, on the target."""

from typing import Final

import msgspec
from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from contract.json_errors import UNREADABLE
from controlplane.mirrors.offsets import CONNECTOR
from controlplane.probes.reader import end_reader

_CAUSED_BY: Final = "Caused by: "


class _Status(msgspec.Struct):
    state: str
    trace: str | None = None


async def failure_of(target: ClusterProperties, source: str) -> str | None:
    """Why the source connector or one of its tasks failed; None if none did, or nothing is known.

    Connect keeps its states in `mm2-status.SOURCE.internal` (`KafkaStatusBackingStore`).

    Raises:
        LookError: the target does not tell.
    """
    topic = f"mm2-status.{source}.internal"
    newest: dict[bytes, bytes | None] = {}
    async with end_reader(target) as reader:
        for partition in await reader.partitions([topic]):
            async for record in reader.records(TopicPartition(topic, partition.partition), 0):
                newest[record.key or b""] = record.value
    return next((found for key in sorted(newest) if (found := failure_in(key, newest[key]))), None)


def failure_in(key: bytes, value: bytes | None) -> str | None:
    """What a record says of a failure; None if it is about something else, or cannot be read."""
    kinds = (f"status-connector-{CONNECTOR}".encode(), f"status-task-{CONNECTOR}".encode())
    if value is None or not key.startswith(kinds):
        return None
    try:
        status, whose = msgspec.json.decode(value, type=_Status), key.decode()
    except UNREADABLE:
        return None
    if status.state != "FAILED":
        return None
    return f"{whose.removeprefix('status-')} has failed: {cause_in(status.trace)}"


def cause_in(trace: str | None) -> str:
    """The innermost cause that a Java stack trace names; what wraps it says less."""
    lines = [line.strip() for line in (trace or "").splitlines() if line.strip()]
    causes = [line.removeprefix(_CAUSED_BY) for line in lines if line.startswith(_CAUSED_BY)]
    return causes[-1] if causes else next(iter(lines), "it does not say why")
