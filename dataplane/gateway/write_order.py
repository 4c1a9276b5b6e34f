"""Which writes have to come again before later ones of the same producer may go to a broker.

A cluster that does not know a producer id takes any first sequence number. Say a write was refused
here because it was held for too long, and the next one, sent before the client heard of that, is
the first to reach the cluster that serves now. The cluster takes it, and a client that hears so
concludes that the refused one was written as well (librdkafka does): lost without a word. So the
later ones are refused too, until the refused one has come again: on whichever connection, for
the client may have learned of another leader meanwhile. So a node keeps this for all its clients.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from dataplane.gateway.frames import Frame
from dataplane.virtual.messages import decode_request
from dataplane.virtual.view import View

_PRODUCER: Final = Struct(">qhi")
"""Producer id, producer epoch, base sequence."""
_PRODUCER_AT: Final = 43
"""Where they stand in a record batch (KIP-98)."""

_Line: TypeAlias = tuple[str, bytes, int, int]
"""Virtual cluster, topic, partition, producer id: within it sequence numbers have no gap."""


class _Place(NamedTuple):
    epoch: int
    sequence: int


class _Awaited(NamedTuple):
    place: _Place
    since: float


class WriteOrder:
    """The refused writes of a node's clients."""

    def __init__(self) -> None:
        """Begin with none."""
        self._awaited: dict[_Line, _Awaited] = {}
        self.is_broken = False
        """Whether any write has to come again: asked for each request."""

    def refused(self, view: View, produce: Frame, now: float) -> None:
        """Note a Produce request that was refused. Raises MalformedFrameError."""
        for line, place in _places(view, produce):
            awaited = self._awaited.get(line)
            if awaited is None or awaited.place.epoch != place.epoch:
                self._awaited[line] = _Awaited(place, now)
                self.is_broken = True

    def may_go(self, view: View, produce: Frame) -> bool:
        """Whether nothing before this Produce request is missing. Raises MalformedFrameError.

        A producer that gave up on a write begins a new epoch: nothing is awaited from it then.
        """
        places = list(_places(view, produce))
        for line, place in places:
            awaited = self._awaited.get(line)
            if awaited is None or awaited.place.epoch != place.epoch:
                continue
            if awaited.place != place:
                return False
        for line, _ in places:
            self._awaited.pop(line, None)
        self.is_broken = bool(self._awaited)
        return True

    def forget(self, before: float) -> None:
        """Await no more what was refused before that time: its producer is gone."""
        gone = [line for line, awaited in self._awaited.items() if awaited.since < before]
        for line in gone:
            del self._awaited[line]
        self.is_broken = bool(self._awaited)


def _places(view: View, produce: Frame) -> Iterator[tuple[_Line, _Place]]:
    """Where each batch of an idempotent producer belongs.

    By each that its topic is known by: its name, as far as that is known, and its id.
    """
    for topic in decode_request(produce).body.topic_data:
        names = {view.physical_name(topic), _id_of(topic)} - {b""}
        for partition in topic.partition_data:
            batch = partition.records
            if batch is None or len(batch) < _PRODUCER_AT + _PRODUCER.size:
                continue
            producer_id, epoch, sequence = _PRODUCER.unpack_from(batch, _PRODUCER_AT)
            if producer_id >= 0:
                for name in names:
                    line = view.vcluster, name, partition.index, producer_id
                    yield line, _Place(epoch, sequence)


def _id_of(topic: Any) -> bytes:
    id_: UUID | None = getattr(topic, "topic_id", None)
    return id_.bytes if id_ is not None else b""
