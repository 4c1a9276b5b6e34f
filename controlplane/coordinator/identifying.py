"""Which topic is which on the target, as a switch records it: what clients know by an id stays."""

import asyncio
from typing import Final

from contract.records import Node, TopicIds
from controlplane.domain.switch.state import Switch
from controlplane.domain.topic_ids import ids_after
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.probes.readers import Readers
from controlplane.store.database import who_cannot_read

_FORCED_BUDGET_S: Final = 2.0
_RECORD: Final = "topic_ids"
_EVENT: Final = "switch.topic_ids_recorded"


async def ids_to_record(plane: ControlPlane, readers: Readers, switch: Switch) -> TopicIds | None:
    """The record of the epoch to come, if there is anything to say and everybody reads it.

    Who forces a switch waits for nobody: where the target does not tell its topics in time, clients
    take them for topics that were made anew.

    Raises:
        LookError: the target of a planned switch does not tell its topics.
    """
    if not await _all_read(plane):
        return None
    if switch.mode == "planned":
        return await _found(plane, readers, switch)
    try:
        async with asyncio.timeout(_FORCED_BUDGET_S):
            return await _found(plane, readers, switch)
    except (LookError, TimeoutError):
        return None


async def _found(plane: ControlPlane, readers: Readers, switch: Switch) -> TopicIds | None:
    scope, epoch = switch.scope, switch.expected_epoch
    target = await readers.of(switch.to_cluster)
    there = await target.partitions(plane.ledger.facts.topics_in(scope))
    if switch.mode == "planned":
        told = (await readers.of(switch.from_cluster)).topic_ids
    else:  # it may be dead: what it told the watch last
        told = plane.topic_ids.get(switch.from_cluster, {})
    ours = {partition.topic for partition in there}
    known = plane.ledger.facts.control.of(TopicIds)
    return ids_after(
        scope,
        epoch + 1,
        {topic: id_ for topic, id_ in told.items() if topic in ours},
        target.topic_ids,
        next((ids for ids in known if (ids.scope, ids.epoch) == (scope, epoch)), None),
    )


async def _all_read(plane: ControlPlane) -> bool:
    """Whether every control plane and every registered node reads ids of topics.

    A node that has not said so yet may be of an older release, which stops at such a record.
    """
    sessions = await plane.sessions.newest()
    nodes = [sessions.get(node.node_id) for node in plane.ledger.facts.control.of(Node)]
    if not all(node is not None and _RECORD in node.report.reads for node in nodes):
        return False
    async with plane.engine.connect() as connection:
        return not await who_cannot_read(connection, _EVENT)
