"""What every event has, and how it is stored."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A fact. Its tag is its name in the log, in the past tense; fields are never renamed."""

    SUBJECT: ClassVar[str]
    """What kinds of event are about, as a pattern over their fields."""

    @property
    def stream(self) -> str:
        """The thing that the event is about; its events are numbered one after another."""
        return self.SUBJECT.format(**msgspec.structs.asdict(self))

    @property
    def kind(self) -> str:
        """The event's name in the log, as `vcluster.created`."""
        return str(self.__struct_config__.tag)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it stands in the log."""

    seq: int
    event_id: UUID
    version: int
    """Position in the event's own stream, from 1."""
    event: Event
    actor: str
    reason: str | None
    recorded_at: datetime
    """The database's clock; order is `seq`, not this."""
    hash: bytes = b""
    """Of the event and all before it (see `store.chain`); empty where no database gave one."""
