"""Who the clients of a node are, as it tells control planes from time to time.

Counted by account and library: a node with ten thousand connections has some dozens of these.
"""

from typing import Final

import msgspec

MOST: Final = 500
"""Of them in one telling; the rest are a number."""
MOST_NAMED: Final = 10
"""Addresses, topics, and groups of each."""


class ClientSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of one account, made with one version of a library."""

    vcluster: str
    account: str
    software: str
    """As the library says itself (KIP-511)."""
    version: str
    connections: int
    """Open now; 0: it has gone."""
    addresses: tuple[str, ...]
    """From where, the newest last."""
    topics: tuple[str, ...]
    """In its own words, those that it asked for by name, the newest last."""
    groups: tuple[str, ...]
    """Physical names of consumer groups that it was seen to be in, the newest last."""
    idle_s: float
    """Seconds since it last sent something that went to a broker."""


class ClientsSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PUT /internal/v1/nodes/{node_id}/clients`: all of them, in the place of the last."""

    clients: tuple[ClientSeen, ...]
    further: int = 0
    """Of how many nothing is told."""
