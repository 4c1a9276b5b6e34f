"""What a virtual cluster's clients see of the physical cluster that serves them at present."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from contract.producer_ids import producer_id_offset
from dataplane.virtual.identities import NO_IDENTITIES, KnownIdentities
from dataplane.virtual.last_writes import NOTHING_WRITTEN, LastWrites
from dataplane.virtual.numbers import Numbers
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.topic_ids import NOTHING_MOVED, MovedIds, TopicIds
from dataplane.wire.primitives import INT16, INT32, encode_uvarint

NO_NODE: Final = -1
_NO_NODE_BYTES: Final = INT32.pack(NO_NODE)
_MOST_RUNS: Final = 4096
"""Replica lists remembered; a cluster has few different ones."""


_SMALL_COMPACT: Final = 128
_SMALL_CLASSIC: Final = 256
"""Lengths on the wire below these are handled in place, by table."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A topic of somebody else, or of nobody, under a name of one's own."""

    logical: str
    physical: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """Where clients reach a slot."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A virtual cluster on one physical cluster: immutable, made anew when either changes.

    Clients see as many brokers as there are listeners; a virtual node id is a slot, counted from 0.
    Slot n is served by the n-th broker, in ascending order of their ids, modulo their number.
    """

    vcluster: str
    """Its name is the prefix of all its names on the physical cluster."""
    cluster_id: str
    """The Kafka cluster id that its clients see."""
    listeners: tuple[Listener, ...]
    """By slot."""
    brokers: tuple[int, ...]
    """The physical cluster's broker ids."""
    cluster_index: int
    """The physical cluster's number, which makes producer ids unique."""

    moved_ids: MovedIds = NOTHING_MOVED
    """Of the scope's topics that were not born on this cluster."""
    aliases: tuple[Alias, ...] = ()
    """Topics of others that it sees under names of its own."""

    last_writes: LastWrites = NOTHING_WRITTEN
    """What producers had written before the scope was switched."""
    identities: KnownIdentities = NO_IDENTITIES
    """Transactional producers that are older than the present epoch."""
    numbers: tuple[Numbers, ...] = ()
    """Of the topics whose offsets are not shown as they are on the cluster."""
    own_topics: OwnTopics = field(default_factory=OwnTopics, repr=False, compare=False)
    """Those that its clients have named by id, on whatever cluster: its views share them."""
    prefix: bytes = field(init=False)
    prefix_size: int = field(init=False)
    epoch: int = 0
    """How often the scope had been switched when this cluster began to serve it."""
    producer_id_offset: int = field(init=False)
    """Added to the producer ids that the cluster hands out: see `producer_ids`."""
    grown_compact: tuple[bytes, ...] = field(init=False, repr=False)
    """By a compact length on the wire, below 128: the length with the prefix, and the prefix."""
    grown_classic: tuple[bytes, ...] = field(init=False, repr=False)
    """The same for lengths of 2 bytes, below 256."""
    physical_of: dict[bytes, bytes] = field(init=False, repr=False)
    """By logical name, of aliases only."""
    logical_of: dict[bytes, bytes] = field(init=False, repr=False)
    """The other way round."""
    numbers_of_physical: dict[bytes, Numbers] = field(init=False, repr=False)
    """By physical name."""
    numbers_of_logical: dict[bytes, Numbers] = field(init=False, repr=False)
    """By logical name, aliases included."""
    topic_ids: TopicIds = field(init=False, repr=False)
    """Under which ids clients know topics: with what is learnt of aliases and own topics, the one
    thing here that grows."""
    read_only_aliases: frozenset[bytes] = field(init=False, repr=False)
    """Their logical names."""
    below_compact: int = field(init=False)
    """The compact lengths, from 2 on, of topic names that just get the prefix: none, where a name
    may be that of an alias, which has to be looked up."""
    below_classic: int = field(init=False)
    """The same for lengths of 2 bytes, from 1 on."""
    is_numbered: bool = field(init=False)
    """Whether any topic's numbers are not the cluster's own offsets."""
    made: dict[Any, bytes] = field(init=False, repr=False, default_factory=dict)
    """Bytes made once for this view: broker lists, by the dataclass of their elements."""
    _slots: dict[bytes, bytes] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not self.listeners or not self.brokers:
            raise ValueError(
                f"a view of {self.vcluster} needs at least one listener and one broker"
            )
        prefix = self.vcluster.encode()
        ids = tuple(sorted(self.brokers))
        physical_of = {a.logical.encode(): a.physical.encode() for a in self.aliases}
        read_only = frozenset(a.logical.encode() for a in self.aliases if a.read_only)
        derived = {
            "brokers": ids,
            "prefix": prefix,
            "prefix_size": len(prefix),
            "producer_id_offset": producer_id_offset(self.cluster_index, self.epoch),
            "physical_of": physical_of,
            "logical_of": {a.physical.encode(): a.logical.encode() for a in self.aliases},
            "topic_ids": TopicIds(
                self.vcluster, self.moved_ids, physical_of.items(), self.own_topics, read_only
            ),
            "read_only_aliases": read_only,
            "numbers_of_physical": {n.physical: n for n in self.numbers},
            "numbers_of_logical": _by_logical(self.numbers, prefix, physical_of),
            "is_numbered": bool(self.numbers),
            "below_compact": 0 if self.aliases else _SMALL_COMPACT,
            "below_classic": 0 if self.aliases else _SMALL_CLASSIC,
            "grown_compact": tuple(
                encode_uvarint(n + len(prefix)) + prefix for n in range(_SMALL_COMPACT)
            ),
            "grown_classic": tuple(
                INT16.pack(n + len(prefix)) + prefix for n in range(_SMALL_CLASSIC)
            ),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def without_last_writes(self) -> "View":
        """The same, with what is learnt of ids, in which nothing is taken for a repetition."""
        same = replace(self, last_writes=NOTHING_WRITTEN)
        object.__setattr__(same, "topic_ids", self.topic_ids)
        return same

    def physical_name(self, topic: Any) -> bytes:
        """Of a topic in a decoded request, which is named by its name, or by an id that is known.

        Empty for an id that is not.
        """
        if not hasattr(topic, "name"):
            id_: UUID | None = topic.topic_id
            return (self.topic_ids.named(id_.bytes) if id_ is not None else None) or b""
        name: bytes = topic.name.encode()
        return self.physical_of.get(name) or self.prefix + name

    def slot_of(self, broker: int) -> int:
        """The virtual node id of a broker; -1 for none, and for a broker that is not known."""
        if broker not in self.brokers:
            return NO_NODE
        return self.brokers.index(broker) % len(self.listeners)

    def broker_of(self, slot: int) -> int:
        """The broker that serves a slot; -1 for a slot that does not exist."""
        if not 0 <= slot < len(self.listeners):
            return NO_NODE
        return self.brokers[slot % len(self.brokers)]

    def slots(self, brokers: bytes) -> bytes:
        """Broker ids to virtual node ids, both as big-endian int32 in a row."""
        known = self._slots.get(brokers)
        if known is None:
            ids = (id_ for (id_,) in INT32.iter_unpack(brokers))
            known = b"".join(INT32.pack(self.slot_of(id_)) for id_ in ids)
            if len(self._slots) < _MOST_RUNS:
                self._slots[brokers] = known
        return known

    def broker_ids(self, slots: bytes) -> bytes:
        """Virtual node ids to broker ids, both as big-endian int32 in a row."""
        return b"".join(INT32.pack(self.broker_of(slot)) for (slot,) in INT32.iter_unpack(slots))

    def endpoint(self, node: bytes) -> tuple[bytes, bytes]:
        """Host, and port as int32, of a virtual node id; without a node empty and -1."""
        (slot,) = INT32.unpack(node)
        if slot == NO_NODE:
            return b"", _NO_NODE_BYTES
        listener = self.listeners[slot]
        return listener.host.encode(), INT32.pack(listener.port)

    @staticmethod
    def count_compact(size: int) -> bytes:
        """The compact length of a string of `size` bytes."""
        return _COMPACT[size] if size < len(_COMPACT) else encode_uvarint(size + 1)

    @staticmethod
    def count_classic(size: int) -> bytes:
        """The length of a string of `size` bytes, in 2 bytes."""
        return INT16.pack(size)


def _by_logical(
    numbers: Iterable[Numbers], prefix: bytes, physical_of: Mapping[bytes, bytes]
) -> dict[bytes, Numbers]:
    """Each topic under every name by which its clients know it; an alias hides an own topic."""
    known = {n.physical: n for n in numbers}
    own = {name[len(prefix) :]: n for name, n in known.items() if name.startswith(prefix)}
    aliased = {alias: known.get(physical) for alias, physical in physical_of.items()}
    return {name: n for name, n in (own | aliased).items() if n is not None}


_COMPACT: Final = tuple(encode_uvarint(size + 1) for size in range(256))
