"""Ids of topics in pairs: as clients know a topic, and as the cluster that serves it does.

Each is 16 bytes, as Kafka writes a UUID. A topic keeps the id that it was born with, on whatever
cluster that was, so that nothing is exchanged before it has moved for the first time.
"""

from collections.abc import Iterable, Iterator
from typing import Final

ID_SIZE: Final = 16
NO_ID: Final = bytes(ID_SIZE)
"""What stands where a topic has no id (`Uuid.ZERO_UUID`)."""


def packed(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Pairs of a born id and one on a cluster, as a record holds them."""
    return b"".join(born + here for born, here in pairs)


def unpacked(pairs: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The same the other way round."""
    for at in range(0, len(pairs), 2 * ID_SIZE):
        yield pairs[at : at + ID_SIZE], pairs[at + ID_SIZE : at + 2 * ID_SIZE]
