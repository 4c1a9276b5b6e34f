"""Random messages of any API and version, and what should become of them: independent oracles.

Everything of another tenant or of the physical cluster carries one of MARKS, so that a leak shows.
"""

import datetime as dt
import hashlib
import io
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kio.schema.consumer_protocol_assignment.v0 import data as assignment
from kio.schema.consumer_protocol_subscription.v1.data import (
    ConsumerProtocolSubscription,
    TopicPartition,
)
from kio.schema.errors import ErrorCode
from kio.serial import entity_reader, entity_writer

from contract.topic_ids import packed
from dataplane.virtual import field_classes as fc
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.fields import class_of
from dataplane.virtual.topic_ids import MovedIds
from dataplane.virtual.view import Alias, Listener, View
from dataplane.wire.header import request_is_tagged, response_is_tagged
from dataplane.wire.schema import Direction, Field, Struct, api_name, message, struct_of

VIEW = View(
    vcluster="Xteam.A_",
    cluster_id="shown-cluster-id",
    listeners=(Listener("gate.test", 6969), Listener("gate.test", 6970), Listener("g", 6971)),
    brokers=(101, 102, 103),
    cluster_index=1,
)
PREFIX = VIEW.vcluster
RIVAL = "Xteam.B_"
SECRET = "ZSECRETZ"
OWN_IDS = {
    uuid.UUID(int=11): f"{PREFIX}orders",
    uuid.UUID(int=12): f"{PREFIX}plain",
    uuid.UUID(int=3): f"{RIVAL}lent",
}
"""Of topics that are named by id: the last one has moved, where any has."""
MARKS = tuple(mark.encode() for mark in (PREFIX, RIVAL, SECRET))

OFFERED = [
    (row.key, version)
    for row in APIS.values()
    if row.treatment is Treatment.REWRITE
    for version in row.served
]

NAMES = {
    fc.TOPIC,
    fc.ASKED_TOPIC,
    fc.WRITTEN_TOPIC,
    fc.GROUP,
    fc.TRANSACTION,
    fc.COORDINATOR_KEY,
    fc.CONFIG_RESOURCE,
    fc.LISTED,
    fc.LISTED_TOPIC,
    fc.TOPIC_AND_ITS_ID,
    fc.LISTED_TOPIC_AND_ITS_ID,
}
TOPICS = NAMES - {fc.GROUP, fc.TRANSACTION, fc.COORDINATOR_KEY, fc.LISTED}
LISTS = {fc.LISTED, fc.LISTED_TOPIC, fc.LISTED_TOPIC_AND_ITS_ID}
LEFT_OUT = {fc.LEADER_HINT, fc.FOLLOWER}
OWN = {fc.OWN_TOPIC_ID, fc.WRITTEN_TOPIC_ID}
IDS_ALONE = {fc.TOPIC_ID, *OWN}
PATTERN = "a|b.*"
IDS = range(1, 6)
"""Born ids of topics; on the cluster that serves they are larger by a hundred."""
ALIASED = replace(
    VIEW,
    aliases=(
        Alias("borrowed", f"{RIVAL}lent"),
        Alias("b", f"{SECRET}lent"),
        Alias("l" * 200, f"{RIVAL}{'x' * 120}"),
    ),
    moved_ids=MovedIds(packed((uuid.UUID(int=n).bytes, uuid.UUID(int=n + 100).bytes) for n in IDS)),
)
"""The same virtual cluster, with names of its own for topics of others; and topics have moved."""


def knowing_own_ids(view: View) -> View:
    """The view, which has been told whose the ids are."""
    for id_, name in OWN_IDS.items():
        view.own_topics.learn(id_.bytes, name.encode())
    return view


knowing_own_ids(VIEW)
knowing_own_ids(ALIASED)
_GROUP_CONFIG = 32
_INTEGERS = {"int8": 7, "int16": 15, "uint16": 15, "int32": 31, "int64": 47}


def name_of(seed: random.Random) -> str:
    return "".join(seed.choices("abcdefghij._-", k=seed.choice([1, 3, 8, 8, 20, 126, 127, 180])))


class Generator:
    """Makes messages as a client (request) or a broker (response) would send them."""

    def __init__(self, seed: int | str, api: str, direction: Direction, view: View = VIEW) -> None:
        self.seed = random.Random(seed)
        self.view = view
        self.api = api
        self.direction: Direction = direction

    def entity(self, struct: Struct, path: str = "") -> Any:
        tagged = [field for field in struct.tagged if self.seed.random() < 0.5]
        return struct.entity(
            **{f.name: self.value(f, path + f.step) for f in (*struct.fields, *tagged)}
        )

    def is_of_own_ids(self, field: Field, path: str) -> bool:
        """Whether it is an array of topics by id, which is never null where a program gets it."""
        inner = field.struct.fields if field.struct is not None else ()
        return any(class_of(self.api, self.direction, f"{path}.{f.step}", f) in OWN for f in inner)

    def value(self, field: Field, path: str) -> Any:
        class_ = class_of(self.api, self.direction, path, field)
        may_be_null = field.nullable and field.tag is None and class_ not in OWN
        if may_be_null and not self.is_of_own_ids(field, path) and self.seed.random() < 0.2:
            return None
        if not field.array:
            return self.one(field, path)
        size = self.seed.choice([0, 1, 1, 2, 5])
        return tuple(self.one(field, path) for _ in range(size))

    def one(self, field: Field, path: str) -> Any:
        if field.struct is not None:
            return self.entity(field.struct, path + ".")
        class_ = class_of(self.api, self.direction, path, field)
        if class_ is fc.ASKED_TOPIC_ID:
            return None
        special = self.special(class_)
        return self.plain(field) if special is None else special

    def special(self, class_: fc.FieldClass | None) -> Any:
        seed = self.seed
        response = self.direction == "response"
        own = seed.choice(list(OWN_IDS))
        if class_ in NAMES:
            foreign = class_ in LISTS and seed.random() < 0.4
            if class_ in TOPICS and not foreign:
                return self.topic()
            return f"{RIVAL if foreign else PREFIX if response else ''}{name_of(seed)}"
        if class_ is fc.NODE:
            return seed.choice([101, 102, 103, -1]) if response else seed.choice([0, 1, 2])
        simple: dict[fc.FieldClass | None, Any] = {
            fc.ERROR_TEXT: f"Topic '{PREFIX}abc' on {SECRET}:9092 collides with topic {RIVAL}x.",
            fc.CLIENT_HOST: f"/{SECRET}",
            fc.RACK: SECRET,
            fc.LOG_DIR: f"/var/{SECRET}/kafka",
            fc.TRANSACTION_PATTERN: seed.choice(["", PATTERN]),
            fc.TOPIC_PATTERN: seed.choice(
                ["", f"{re.escape(PREFIX)}(?:{PATTERN})" if response else PATTERN]
            ),
            fc.TOPIC_ID: uuid.UUID(int=seed.choice([7, *IDS]) + 100 * response),
            fc.OWN_TOPIC_ID: (
                uuid.UUID(bytes=self.view.topic_ids.here(own.bytes)) if response else own
            ),
            fc.WRITTEN_TOPIC_ID: own,
            fc.COORDINATOR_TYPE: seed.choice([0, 1]),
            fc.CONFIG_RESOURCE_TYPE: seed.choice([2, 32]),
            fc.REPLICA: -1,
            fc.PREFERRED_REPLICA: seed.choice([101, 102, -1]),
            fc.ENDPOINT_TYPE: 1,
            fc.PROTOCOL_TYPE: "consumer",
            fc.SUBSCRIPTION: subscription(self.topic),
            fc.ASSIGNMENT: assigned(self.topic),
            fc.NEW_PRODUCER_ID: seed.choice([-1, 5, 4001]),
        }
        return simple.get(class_)

    def topic(self) -> str:
        response = self.direction == "response"
        if self.view.aliases and self.seed.random() < 0.5:
            alias = self.seed.choice(self.view.aliases)
            return alias.physical if response else alias.logical
        return (PREFIX if response else "") + name_of(self.seed)

    def plain(self, field: Field) -> Any:  # noqa: PLR0911 - one line for each kind
        seed = self.seed
        match field.kind:
            case "string":
                return SECRET if field.name in {"host", "rack", "cluster_id"} else "plain-words"
            case "bytes" | "records":
                return seed.randbytes(seed.choice([0, 3, 130, 700]))
            case "bool":
                return seed.random() < 0.5
            case "float64":
                return seed.random()
            case "error_code":
                return seed.choice(list(ErrorCode))
            case "uuid":
                return uuid.UUID(int=seed.getrandbits(128))
            case "timedelta_i32" | "timedelta_i64":
                return dt.timedelta(milliseconds=seed.randrange(100_000))
            case "datetime_i64":
                return dt.datetime.fromtimestamp(seed.randrange(2_000_000_000), tz=dt.UTC)
            case _:
                return seed.getrandbits(_INTEGERS[field.kind]) - seed.choice([0, 1])


def subscription(topic: Callable[[], str]) -> bytes:
    """A consumer's JoinGroup bytes, of version 1 and with something unknown after them."""
    written = io.BytesIO()
    entity_writer(ConsumerProtocolSubscription)(
        written,
        ConsumerProtocolSubscription(
            topics=tuple(topic() for _ in range(2)),
            user_data=b"user data",
            owned_partitions=(TopicPartition(topic=topic(), partitions=(0, 3)),),
        ),
    )
    return b"\0\1" + written.getvalue() + b"\1\2\3"


def assigned(topic: Callable[[], str]) -> bytes:
    """A consumer's SyncGroup bytes, with something unknown after them."""
    assigned_topic = assignment.TopicPartition(topic=topic(), partitions=(1, 2))
    written = io.BytesIO()
    entity_writer(assignment.ConsumerProtocolAssignment)(
        written,
        assignment.ConsumerProtocolAssignment(
            assigned_partitions=(assigned_topic, assigned_topic), user_data=b"user data"
        ),
    )
    return b"\0\3" + written.getvalue() + b"\1\2\3"


class Oracle:
    """What a message should be on the other side, computed on decoded messages."""

    def __init__(self, api: str, direction: Direction, view: View = VIEW) -> None:
        self.api = api
        self.direction: Direction = direction
        self.view = view
        self.prefix = view.vcluster
        self.names_topics = False

    def entity(self, entity: Any, path: str = "") -> Any:
        struct = struct_of(type(entity))
        changes = {}
        if not path:
            self.names_topics = bool(getattr(entity, "topics", ()))
        for field in (*struct.fields, *struct.tagged):
            changes[field.name] = self.value(field, path + field.step, getattr(entity, field.name))
        self.endpoints(changes, path)
        self.ids(entity, changes, path)
        if self.direction == "request" and changes.get("resource_type") == _GROUP_CONFIG:
            changes["resource_name"] = self.prefixed(entity.resource_name)
        default = {
            f.name: type(entity).__dataclass_fields__[f.name].default
            for f in struct.tagged
            if self.dropped(f, path + f.step)
        }
        return replace(entity, **{**changes, **default})

    def dropped(self, field: Field, path: str) -> bool:
        leaves = [(path, field)] if field.struct is None else field.struct.walk(path + ".")
        return any(class_of(self.api, self.direction, p, f) in LEFT_OUT for p, f in leaves)

    def endpoints(self, changes: dict[str, Any], path: str) -> None:
        if (
            "host" in changes
            and class_of(self.api, self.direction, path + "host", _HOST) is fc.HOST
        ):
            slot = changes["node_id"]
            listener = self.view.listeners[slot] if slot >= 0 else Listener("", -1)
            changes.update(host=listener.host, port=listener.port)

    def ids(self, entity: Any, changes: dict[str, Any], path: str) -> None:
        """An alias has an id of its own, which differs from that of the topic behind it."""
        address = path + "topic_id"
        if class_of(self.api, self.direction, address, _TOPIC_ID) is not fc.ID_OF_NAMED_TOPIC:
            return
        id_, aliased = getattr(entity, "topic_id", None), changes["name"] != entity.name
        if id_ is not None and aliased and not entity.name.startswith(self.prefix):
            owned = b"\0".join((self.prefix.encode(), changes["name"].encode(), id_.bytes))
            changes["topic_id"] = uuid.UUID(bytes=hashlib.sha256(owned).digest()[:16])

    def value(self, field: Field, path: str, value: Any) -> Any:
        class_ = class_of(self.api, self.direction, path, field)
        if class_ is fc.BROKERS and field.struct is not None:
            return self.brokers(field.struct)
        if value is None and class_ is not fc.CLUSTER_ID and class_ is not fc.CLIENT_HOST:
            return self.first_page(field.struct) if class_ is fc.CURSOR else None
        if field.may_be_absent and field.struct is not None:
            return next(iter(self.elements(field.struct, path + ".", (value,))), None)
        if not field.array:
            return self.one(field, path, class_, value)
        if field.struct is not None:
            return self.elements(field.struct, path + ".", value)
        return tuple(self.one(field, path, class_, element) for element in value)

    def first_page(self, struct: Struct | None) -> Any:
        if struct is None or self.names_topics:
            return None
        return struct.entity(topic_name=self.prefix, partition_index=0)

    def elements(self, struct: Struct, path: str, values: tuple[Any, ...]) -> Any:
        listed = [
            f.name
            for f in struct.fields
            if class_of(self.api, self.direction, path + f.step, f) in LISTS
        ]
        own = [v for v in values if all(self.may_see(getattr(v, n)) for n in listed)]
        return tuple(self.entity(v, path) for v in own)

    def may_see(self, name: str | None) -> bool:
        aliased = {alias.physical for alias in self.view.aliases}
        return not name or name.startswith(self.prefix) or name in aliased

    def brokers(self, struct: Struct) -> Any:
        return tuple(
            struct.entity(
                **{
                    f.name: {
                        "node_id": slot,
                        "broker_id": slot,
                        "host": listener.host,
                        "port": listener.port,
                        "rack": None,
                        "is_fenced": False,
                    }[f.name]
                    for f in struct.fields
                }
            )
            for slot, listener in enumerate(self.view.listeners)
        )

    def one(  # noqa: PLR0911 - one line for each kind
        self, field: Field, path: str, class_: fc.FieldClass | None, value: Any
    ) -> Any:
        if field.struct is not None:
            return self.entity(value, path + ".")
        if class_ in TOPICS:
            return self.renamed(value)
        if class_ in NAMES:
            return self.prefixed(value)
        if class_ is fc.NODE:
            return self.node(value)
        if class_ is fc.SUBSCRIPTION:
            return self.subscription(value)
        if class_ is fc.ASSIGNMENT:
            return self.assignment(value)
        if class_ in IDS_ALONE:
            return self.moved_id(value, 100 if self.direction == "request" else -100)
        if self.direction == "request":
            replaced = {
                fc.LEADER_EPOCH: -1,
                fc.FETCH_SESSION: 0,
                fc.FETCH_SESSION_EPOCH: -1,
                fc.RACK: "",
                fc.TRANSACTION_PATTERN: value and f"{re.escape(self.prefix)}(?:{value})",
                fc.TOPIC_PATTERN: value and f"{re.escape(self.prefix)}(?:{value}){self.also}",
            }
        else:
            masked = "Topic 'abc' on ***:9092 *** with topic ***."
            shift = 0 if value == -1 else self.view.producer_id_offset
            replaced = {
                fc.LEADER_EPOCH: -1,
                fc.FETCH_SESSION: 0,
                fc.PREFERRED_REPLICA: -1,
                fc.CLUSTER_ID: self.view.cluster_id,
                fc.LOG_DIR: "log-dir-42623355",
                fc.DISK_SIZE: -1,
                fc.TOPIC_PATTERN: value and PATTERN,
                fc.AUTHORIZED_OPERATIONS: -(2**31),
                fc.CLIENT_HOST: "",
                fc.ERROR_TEXT: value and masked,
                fc.NEW_PRODUCER_ID: value + shift if class_ is fc.NEW_PRODUCER_ID else None,
            }
        return replaced.get(class_, value)

    @property
    def also(self) -> str:
        """The physical names of aliases that match PATTERN."""
        return f"|{SECRET}lent|{RIVAL}lent".replace(".", r"\.") if self.view.aliases else ""

    def moved_id(self, id_: uuid.UUID, distance: int) -> uuid.UUID:
        born = id_.int if distance > 0 else id_.int + distance
        return (
            uuid.UUID(int=id_.int + distance) if self.view.moved_ids.here and born in IDS else id_
        )

    def node(self, value: int) -> int:
        if self.direction == "request":
            return self.view.brokers[value]
        return -1 if value == -1 else self.view.brokers.index(value)

    def renamed(self, name: str) -> str:
        for alias in self.view.aliases:
            if self.direction == "request" and name == alias.logical:
                return alias.physical
            if self.direction == "response" and name == alias.physical:
                return alias.logical
        return self.prefixed(name)

    def prefixed(self, name: str) -> str:
        own = self.prefix
        return own + name if self.direction == "request" else name.removeprefix(own)

    def subscription(self, value: bytes) -> bytes:
        body, size = entity_reader(ConsumerProtocolSubscription)(value[2:], 0)
        rest = value[2 + size :]
        body = replace(
            body,
            topics=tuple(map(self.renamed, body.topics)),
            owned_partitions=tuple(
                replace(o, topic=self.renamed(o.topic)) for o in body.owned_partitions
            ),
        )
        written = io.BytesIO()
        entity_writer(ConsumerProtocolSubscription)(written, body)
        return value[:2] + written.getvalue() + rest

    def assignment(self, value: bytes) -> bytes:
        if not value:
            return value
        body, size = entity_reader(assignment.ConsumerProtocolAssignment)(value[2:], 0)
        topics = (replace(t, topic=self.renamed(t.topic)) for t in body.assigned_partitions)
        written = io.BytesIO()
        entity_writer(assignment.ConsumerProtocolAssignment)(
            written, replace(body, assigned_partitions=tuple(topics))
        )
        return value[:2] + written.getvalue() + value[2 + size :]


_TOPIC_ID = next(f for p, f in message(3, 12, "response").walk() if p.endswith("topic_id"))
_HOST = next(f for _, f in message(10, 0, "response").walk() if f.name == "host")


def request_frame(key: int, version: int, body: Any, client_id: str = "client") -> bytes:
    written = io.BytesIO()
    entity_writer(type(body))(written, body)
    header = key.to_bytes(2) + version.to_bytes(2) + b"\0\0\0\7"
    header += len(client_id).to_bytes(2) + client_id.encode()
    return header + b"\0" * request_is_tagged(key, version) + written.getvalue()


def response_frame(key: int, version: int, body: Any) -> bytes:
    written = io.BytesIO()
    entity_writer(type(body))(written, body)
    return b"\0\0\0\7" + b"\0" * response_is_tagged(key, version) + written.getvalue()


def decoded(key: int, version: int, direction: Direction, frame: bytes) -> Any:
    """The body of a frame that `request_frame` or `response_frame` laid out."""
    if direction == "request":
        at = 10 + int.from_bytes(frame[8:10]) + request_is_tagged(key, version)
    else:
        at = 4 + response_is_tagged(key, version)
    body, size = entity_reader(message(key, version, direction).entity)(frame, at)
    assert at + size == len(frame)
    return body


def generated(key: int, version: int, direction: Direction, seed: int, view: View = VIEW) -> Any:
    generator = Generator(f"{key} {version} {direction} {seed}", api_name(key), direction, view)
    return generator.entity(message(key, version, direction))


def fact_of(key: int, body: Any) -> Any:
    """What a request's program should find out."""
    match key:
        case 0:
            return body.acks
        case 11 | 14:
            protocol_type = getattr(body, "protocol_type", None)
            return None if protocol_type is None else protocol_type.encode()
        case 75:
            return True if body.topics else None
        case _:
            return None
