"""What the control topic says: the state that nodes were told, read as a node reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from contract.codec import LAYOUT, UnknownRecordError, decode
from contract.fold import ControlState
from contract.records import CONTROL_TOPIC, Beacon
from controlplane.domain.copies import Copy
from controlplane.probes.describe import UnreachableError
from controlplane.probes.failing import LookError
from controlplane.probes.layout import TopicLayout, layout_of
from controlplane.probes.reader import EndReader, end_reader
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError, inquiry

_PARTITION = TopicPartition(CONTROL_TOPIC, 0)
LOOK_BUDGET_S = 5.0


class Broadcast:
    """The control topic as it was when it was last looked at; each look reads on."""

    def __init__(self, cluster: ClusterProperties, reader: EndReader, asked: Inquiry) -> None:
        """Nothing is read yet."""
        self.state = ControlState()
        """What its records add up to: those of the log that was written there last."""
        self._where = f"the control topic on {cluster.name}"
        self._reader = reader
        self._asked = asked
        self._next = 0
        self._id: UUID | None = None
        """The topic's that was read: with another, it was deleted and made again."""

    async def look(self) -> Copy | None:
        """Read to the end; how far the topic goes, None if there is nothing on it.

        Raises:
            LookError: the cluster does not tell.
            UnknownRecordError: a record is of a newer release.
        """
        topic = await self._topic()
        if topic is None:
            self._begin_anew(None)
            return None
        end = (await self._reader.committed_ends([_PARTITION]))[_PARTITION]
        if topic.id != self._id or end < self._next:
            self._begin_anew(topic.id)
        async for record in self._reader.records(_PARTITION, self._next):
            if record.value is not None:
                self.state.apply(decode(record.value))
        self._next = end
        return self.copy()

    async def _topic(self) -> TopicLayout | None:
        try:
            return (await layout_of(self._asked, [CONTROL_TOPIC])).topics.get(CONTROL_TOPIC)
        except InquiryError as error:
            raise UnreachableError(str(error)) from error

    def _begin_anew(self, topic: UUID | None) -> None:
        self.state, self._next, self._id = ControlState(), 0, topic

    def copy(self) -> Copy | None:
        """How far the topic goes, as far as it was read."""
        if self.state.log is None:
            return None
        beacon = self.state.get("beacon")
        digest = None
        if isinstance(beacon, Beacon) and beacon.layout == LAYOUT and beacon.seq == self.state.seq:
            digest = beacon.digest
        return Copy(where=self._where, log=self.state.log, seq=self.state.seq, digest=digest)


@asynccontextmanager
async def open_broadcast(cluster: ClusterProperties) -> AsyncIterator[Broadcast]:
    """The control topic on its cluster, to be looked at again and again.

    Raises:
        LookError: the cluster does not answer.
    """
    try:
        async with end_reader(cluster) as reader, inquiry(access_to(cluster)) as asked:
            yield Broadcast(cluster, reader, asked)
    except InquiryError as error:
        raise UnreachableError(str(error)) from error


async def read_broadcast(cluster: ClusterProperties) -> Broadcast:
    """The whole control topic, read now.

    Raises:
        LookError: the cluster does not tell.
    """
    try:
        async with open_broadcast(cluster) as broadcast:
            await broadcast.look()
            return broadcast
    except UnknownRecordError as error:
        raise LookError(f"the control topic on {cluster.name} cannot be read: {error}") from error


async def within_budget(broadcast: Broadcast) -> Copy | None:
    """Look, within a budget.

    Raises:
        LookError: the cluster does not tell, or not in time.
    """
    try:
        async with asyncio.timeout(LOOK_BUDGET_S):
            return await broadcast.look()
    except TimeoutError as error:
        raise LookError(f"the control topic was not read within {LOOK_BUDGET_S:g} s") from error
    except UnknownRecordError as error:
        raise LookError(f"the control topic cannot be read: {error}") from error
