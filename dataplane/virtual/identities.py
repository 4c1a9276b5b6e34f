"""What transactional producers are on the cluster that serves now.

To its cluster a transactional producer is its transactional id, with the producer id and epoch that
the cluster gave to it. A client holds on to those over a switch. So before the commit the control
plane has the new cluster give out ids for them all, and records which stands for which.
"""

from collections.abc import Iterable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from contract.producer_ids import NUMBER_BITS
from contract.records import Identities, Identity

PRODUCER: Final = Struct(">qh")
"""Producer id and epoch, as they stand in requests and in batches."""


class Real(NamedTuple):
    """A producer as its cluster knows it."""

    producer_id: int
    epoch: int
    is_aborted: bool = False
    """Its transaction was aborted by a switch."""

    firsts: Mapping[tuple[bytes, int], int] = MappingProxyType({})
    """By physical topic and partition: the client's sequence number that is 0 to the cluster."""

    @property
    def packed(self) -> bytes:
        """Producer id and epoch, as they stand in requests and in batches."""
        return PRODUCER.pack(self.producer_id, self.epoch)


def _real(identity: Identity) -> Real:
    firsts = {(f.physical.encode(), f.partition): f.sequence for f in identity.firsts}
    return Real(identity.real_id, identity.real_epoch, identity.is_aborted, firsts)


class KnownIdentities:
    """Those that are older than the present epoch of a scope."""

    def __init__(self, recorded: Iterable[Identities] = ()) -> None:
        """Take in the control records of that epoch."""
        found = [identity for part in recorded for identity in part.identities]
        self._by_held = {(i.held_id, i.held_epoch): _real(i) for i in found}
        self._transactional_ids = frozenset(i.transactional_id for i in found)

    def of(self, held_id: int, held_epoch: int) -> Real | None:
        """Who that is now."""
        return self._by_held.get((held_id, held_epoch))

    def has(self, transactional_id: str) -> bool:
        """Whether it is known which producer has that physical transactional id."""
        return transactional_id in self._transactional_ids


NO_IDENTITIES: Final = KnownIdentities()


class Serving(Protocol):
    """A view, as far as this goes."""

    @property
    def producer_id_offset(self) -> int:
        """What is added to the ids that its cluster hands out."""
        ...

    @property
    def identities(self) -> KnownIdentities:
        """Transactional producers that are older than the present epoch."""
        ...


def real_identity(held_id: int, held_epoch: int, view: Serving) -> Real | None:
    """Who a transactional producer is on the cluster; None: nobody there, or not any more.

    `held_id` is one that a gateway gave out.
    """
    known = view.identities.of(held_id, held_epoch)
    if known is not None:
        return known
    number = held_id - view.producer_id_offset
    return Real(number, held_epoch) if 0 <= number < 1 << NUMBER_BITS else None
