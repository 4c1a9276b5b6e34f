"""What the groups that one connection joins call their protocol.

SyncGroup says it from version 5 on, and there it may be null; JoinGroup always does.
"""

from typing import Final

from dataplane.virtual.heads import membership
from dataplane.virtual.programs import Fact
from dataplane.wire.primitives import Buffer

_MOST: Final = 256
"""Groups remembered of a connection, the latest; a client has one."""


class ProtocolTypes:
    """By group, as its members on this connection said it last."""

    def __init__(self) -> None:
        """Know none."""
        self._types: dict[str, Fact] = {}

    def joins(self, frame: Buffer, protocol_type: Fact) -> None:
        """Remember what a JoinGroup request says. Raises MalformedFrameError."""
        group = membership(frame).group
        self._types.pop(group, None)
        self._types[group] = protocol_type
        if len(self._types) > _MOST:
            del self._types[next(iter(self._types))]

    def of(self, frame: Buffer) -> Fact:
        """Of the group of a SyncGroup request, None if unknown. Raises MalformedFrameError."""
        return self._types.get(membership(frame).group)
