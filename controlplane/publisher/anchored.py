"""The anchors that the control topic holds: one with each beacon that was not compacted away."""

from collections.abc import AsyncIterator

from aiokafka import TopicPartition

from contract.clusters_file import ClusterProperties
from contract.codec import UnknownRecordError, decode
from contract.records import CONTROL_TOPIC, Beacon, Record
from controlplane.domain.anchors import LogAnchor, is_signed
from controlplane.probes.failing import LookError
from controlplane.probes.reader import EndReader, end_reader

_PARTITION = TopicPartition(CONTROL_TOPIC, 0)


class TopicAnchors:
    """The control topic's anchors, read once from its beginning to its end."""

    def __init__(self, cluster: ClusterProperties, token_key: bytes) -> None:
        """Nothing is read yet."""
        self.unproved = 0
        """Beacons that were read and are not signed with the key: of an older release, of a time
        with another key, or of somebody who can write to the topic."""
        self._cluster = cluster
        self._key = token_key

    async def __aiter__(self) -> AsyncIterator[LogAnchor]:
        """Those that are signed with the key, in the order in which they were written.

        Raises:
            LookError: the cluster does not tell.
        """
        async with end_reader(self._cluster) as reader:
            if not await reader.partitions({CONTROL_TOPIC}):
                return
            async for record in self._beacons(reader):
                anchor = self._proved(record)
                if anchor is not None:
                    yield anchor

    async def _beacons(self, reader: EndReader) -> AsyncIterator[Record]:
        async for message in reader.records(_PARTITION, 0):
            if message.key != b"beacon" or message.value is None:
                continue
            try:
                yield decode(message.value)
            except UnknownRecordError as error:
                raise LookError(
                    f"the control topic on {self._cluster.name} cannot be read: {error}"
                ) from error

    def _proved(self, record: Record) -> LogAnchor | None:
        beacon = record.state
        if isinstance(beacon, Beacon):
            anchor = LogAnchor(log=record.log, seq=beacon.seq, hash=beacon.hash)
            if is_signed(anchor, beacon.signature, self._key):
                return anchor
        self.unproved += 1
        return None
