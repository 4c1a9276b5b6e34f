"""Requests of any API and version that a broker takes seriously: made from the schema, by chance.

Names, numbers and times come from a small world, so that many requests are about something that is
there. Ids that a broker gives out stand in a body as symbols: `@2` is the third member id that was
handed out, `SYMBOL + 2` the third producer id, `UUID(int=2)` the id of the second topic; each world
has its own values for them.
"""

import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Final
from uuid import UUID

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from dataplane.virtual import field_classes as fc
from dataplane.virtual.heads import PRODUCE_BY_ID_SINCE
from dataplane.wire.schema import Field
from tests.dataplane.virtual.instances import Generator

TOPICS: Final = ("orders", "payments", "users")
PARTITIONS: Final = 3
GROUPS: Final = ("billing", "billing", "audit")
NEW_GROUP: Final = "shipping"
"""One of KIP-848."""
TRANSACTIONS: Final = ("tx-1", "tx-1", "tx-2")
MISSING: Final = "nowhere"
SYMBOL: Final = 1 << 40
"""Producer ids from here on are symbols."""
_TIME: Final = 1_700_000_000_000
_CONFIGS: Final = ("retention.ms", "cleanup.policy", "max.message.bytes", "no.such.config")

_MILLISECONDS: Final = {
    "max_wait": 10,
    "rebalance_timeout": 100,
    "session_timeout": 300_000,
    "transaction_timeout": 60_000,
    "retention_time": -1,
}
"""Times by field; 5 s for any other."""

_NUMBERS: Final[dict[str, tuple[int, ...]]] = {
    "acks": (-1, 1),
    "min_bytes": (0, 1),
    "max_bytes": (1, 1_000_000),
    "partition_max_bytes": (1, 1_000_000),
    "fetch_offset": (0, 0, 1, 100),
    "log_start_offset": (-1,),
    "committed_offset": (0, 5),
    "offset": (-1, 0, 1, 100),
    "timestamp": (-1, -2, -3, -4, -5, -6, 0, _TIME),
    "isolation_level": (0, 1),
    "key_type": (0, 1),
    "num_partitions": (-1, 0, 1, 2),
    "replication_factor": (-1, 1, 1, 2),
    "count": (-1, 0, PARTITIONS, PARTITIONS + 1),
    "config_operation": (0, 1, 2, 3),
    "generation_id": (-1, 1, 1, 2),
    "generation_id_or_member_epoch": (-1, 1, 1),
    "producer_epoch": (-1, 0, 0, 1, 2),
    "member_epoch": (-1, 0, 1, 1, 2),
    "duration_filter": (-1, 0),
    "response_partition_limit": (1, 2, 5, 2000),
}
_ANY_NUMBER: Final = (0, 1, 2, 9)

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "member_id": ("", "nobody", "@0", "@0", "@0", "@1"),
    "protocol_name": ("range",),
    "protocols[].name": ("range",),
    "reason": ("because",),
    "group_instance_id": ("static-1",),
    "server_assignor": ("uniform", "range"),
    "states_filter[]": ("Stable", "Empty", "Bogus"),
    "types_filter[]": ("classic", "consumer", "bogus"),
    "state_filters[]": ("Ongoing", "Empty", "Bogus"),
    "configuration_keys[]": _CONFIGS,
    "configs[].name": _CONFIGS,
    "configs[].value": ("1000", "compact", "x"),
}
_PATTERNS: Final = ("", "tx-.*", "tx-1|.*2")


class BodyGenerator(Generator):
    """Makes request bodies in logical names."""

    def __init__(self, api: str, version: int, number: int) -> None:
        seed = f"{api} {version} {number}"
        super().__init__(seed, api, "request")
        self._version = version
        self._path = ""
        self._fresh = f"new-{zlib.crc32(seed.encode())}"

    def value(self, field: Field, path: str) -> Any:
        """Nothing twice in a list, and no null records: some of that no broker ever answers."""
        if field.name == "instance_id":
            return None  # of a KIP-848 group, whose member is none of the static ones
        made = super().value(field, path)
        if field.array and made:
            return tuple({_first(element): element for element in made}.values())
        return b"" if field.kind == "records" and made is None else made

    def one(self, field: Field, path: str) -> Any:
        self._path = path
        return super().one(field, path)

    def special(self, class_: fc.FieldClass | None) -> Any:
        maker = _MAKERS.get(class_) if class_ is not None else None
        return maker(self) if maker is not None else super().special(class_)

    def plain(self, field: Field) -> Any:
        seed = self.seed
        match field.kind:
            case "timedelta_i32" | "timedelta_i64":
                return dt.timedelta(milliseconds=_MILLISECONDS.get(field.name, 5000))
            case "bool":
                return field.name != "allow_auto_topic_creation" and seed.random() < 0.5
            case "string":
                return seed.choice(self._words())
            case "int8" | "int16" | "int32" | "int64":
                if field.type_name == "ProducerId":
                    return seed.choice((-1, 4001, SYMBOL, SYMBOL, SYMBOL, SYMBOL + 1))
                return seed.choice(_NUMBERS.get(field.name, _ANY_NUMBER))
            case _:
                return super().plain(field)

    def _words(self) -> tuple[str, ...]:
        if self.api == "consumer_group_heartbeat" and self._path == "member_id":
            return ("one", "one", "other")
        found = (words for end, words in _WORDS.items() if self._path.endswith(end))
        return next(found, ("plain-words",))

    def topic(self) -> str:
        if self.api == "create_topics":
            return self.seed.choice((self._fresh, TOPICS[0], "no spaces please"))
        return self.seed.choice((*TOPICS, MISSING))

    def topic_id(self) -> UUID:
        """A symbol: the number of one of TOPICS, from 1 on, or of none."""
        return UUID(int=1 + self.seed.randrange(len(TOPICS) + 1))

    def group(self) -> str:
        if self.api == "join_group" and self._version == 0:
            # Its members may take as long as their session to rejoin, and would hold up the others.
            return self._fresh
        if self.api == "consumer_group_heartbeat":
            # Of one that there is not, clients hear that their epoch is over (ADR 39).
            return NEW_GROUP
        return self.seed.choice((*GROUPS, NEW_GROUP, MISSING))

    def transaction(self) -> str:
        return self.seed.choice((*TRANSACTIONS, MISSING))

    def records(self) -> bytes:
        # Whole requests are refused for these before a broker looks whose ids are in them.
        if self._version < PRODUCE_BY_ID_SINCE and self.seed.random() < 0.2:
            return self.seed.randbytes(70)
        return a_batch(self.seed.choice((1, 3)))


def a_batch(records: int) -> bytes:
    """A record batch that brokers accept."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for number in range(records):
        batch.append(number, _TIME + number, b"key", b"value", [])
    return bytes(batch.build())


def _first(element: Any) -> Any:
    """What an element is about: its first field, of a resource its name."""
    about = getattr(element, "resource_name", None)
    if about is not None or not is_dataclass(element):
        return about or element
    return getattr(element, fields(element)[0].name)


_MAKERS: Final[dict[fc.FieldClass, Callable[[BodyGenerator], Any]]] = {
    fc.TOPIC: BodyGenerator.topic,
    fc.OWN_TOPIC_ID: BodyGenerator.topic_id,
    fc.WRITTEN_TOPIC_ID: BodyGenerator.topic_id,
    fc.GROUP: BodyGenerator.group,
    fc.COORDINATOR_KEY: BodyGenerator.group,
    fc.TRANSACTION: BodyGenerator.transaction,
    fc.CONFIG_RESOURCE: BodyGenerator.topic,
    fc.CONFIG_RESOURCE_TYPE: lambda _: 2,
    fc.NODE: lambda _: 0,
    fc.RACK: lambda _: "",
    fc.ACKS: lambda generator: generator.seed.choice((-1, 1)),
    fc.RECORDS: BodyGenerator.records,
    fc.TRANSACTION_PATTERN: lambda generator: generator.seed.choice(_PATTERNS),
}
