"""Which transactional producer of the old cluster is which on the new one, at a switch.

A client holds the producer id and epoch that it was given when it began; they stay over all
switches until it begins anew. What they stand for changes with each.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from contract.producer_ids import producer_id_offset
from contract.records import FirstSequence, Identities, Identity
from controlplane.domain.producers import SeenProducers

_IN_ONE: Final = 5000
"""Identities and first sequences in one record, of some 50 bytes each."""
_SEQUENCES: Final = 1 << 31
"""Sequence numbers begin again at 0 after the last one below."""


class Producer(NamedTuple):
    """A transactional producer, as a cluster knows it."""

    transactional_id: str
    """Physical."""
    producer_id: int
    epoch: int


class Era(NamedTuple):
    """One epoch of a scope."""

    scope: str
    epoch: int
    cluster_index: int
    """Of the cluster that serves the scope in it."""

    def is_of(self, identities: Identities) -> bool:
        """Whether a record holds in this epoch."""
        return (identities.scope, identities.epoch) == (self.scope, self.epoch)


def after_aborts(
    aborted: Mapping[str, tuple[Producer, Producer]], known: Iterable[Identities], era: Era
) -> tuple[Identities, ...]:
    """The records of an epoch in which open transactions were aborted; those that change.

    Args:
        aborted: by transactional id, who had the transaction open, and who that is since.
        known: all records.
        era: the epoch.
    """
    records = [record for record in known if era.is_of(record)]
    before = _by_id(records)
    changed = {
        id_: replace(_held(was, before, era), real_id=now.producer_id, real_epoch=now.epoch)
        for id_, (was, now) in aborted.items()
    }
    marked = {id_: replace(identity, is_aborted=True) for id_, identity in changed.items()}
    parts = _parts((before | marked).values(), era.scope, era.epoch)
    return tuple(part for part in parts if part not in records)


def after_switch(
    there: Iterable[Producer],
    given: Mapping[str, Producer],
    written: Iterable[SeenProducers],
    known: Iterable[Identities],
    era: Era,
) -> tuple[Identities, ...]:
    """The records of the epoch to come; without identities where one is to go.

    Args:
        there: the producers, as the old cluster knows them.
        given: who they are on the new one, by transactional id. Those that are missing there are
            unknown afterwards: their clients abort, and begin anew.
        written: how far producers have written the partitions of the old cluster.
        known: all records.
        era: the epoch that ends. Its own records stay, for the switch may still be aborted.
    """
    records = [record for record in known if record.scope == era.scope]
    before = _by_id(filter(era.is_of, records))
    writes: dict[tuple[int, int], list[SeenProducers]] = defaultdict(list)
    for seen in written:
        writes[seen.producer_id, seen.producer_epoch].append(seen)
    found = []
    for producer in there:
        now = given.get(producer.transactional_id)
        if now is not None:
            held = _held(producer, before, era)
            firsts = _firsts(held.firsts, writes[producer[1:]])
            found.append(
                replace(held, real_id=now.producer_id, real_epoch=now.epoch, firsts=firsts)
            )
    parts = _parts(found, era.scope, era.epoch + 1)
    kept = {(part.epoch, part.part) for part in parts}
    gone = (
        replace(record, identities=())
        for record in records
        if not era.is_of(record) and (record.epoch, record.part) not in kept
    )
    return (*parts, *gone)


def _held(producer: Producer, before: Mapping[str, Identity], era: Era) -> Identity:
    """Who holds the id that its cluster knows a producer by."""
    known = before.get(producer.transactional_id)
    if known is not None and (known.real_id, known.real_epoch) == producer[1:]:
        return known
    offset = producer_id_offset(era.cluster_index, era.epoch)
    return Identity(
        transactional_id=producer.transactional_id,
        held_id=offset + producer.producer_id,
        held_epoch=producer.epoch,
        real_id=producer.producer_id,
        real_epoch=producer.epoch,
    )


def _firsts(
    before: Iterable[FirstSequence], written: Iterable[SeenProducers]
) -> tuple[FirstSequence, ...]:
    """The sequence numbers that come next, as the client counts them.

    A cluster wants 0 from a producer that it gave a new epoch.
    """
    firsts = {(first.physical, first.partition): first.sequence for first in before}
    for seen in written:
        place = (seen.topic, seen.partition)
        firsts[place] = (firsts.get(place, 0) + seen.last_sequence + 1) % _SEQUENCES
    return tuple(FirstSequence(*place, first) for place, first in sorted(firsts.items()))


def _by_id(records: Iterable[Identities]) -> dict[str, Identity]:
    return {i.transactional_id: i for record in records for i in record.identities}


def _parts(identities: Iterable[Identity], scope: str, epoch: int) -> list[Identities]:
    parts: list[list[Identity]] = []
    room = 0
    for identity in sorted(identities, key=lambda identity: identity.transactional_id):
        room -= 1 + len(identity.firsts)
        if room < 0 or not parts:
            parts.append([])
            room = _IN_ONE - 1 - len(identity.firsts)
        parts[-1].append(identity)
    return [
        Identities(scope=scope, epoch=epoch, part=number, identities=tuple(part))
        for number, part in enumerate(parts)
    ]
