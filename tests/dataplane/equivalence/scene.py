"""What generated requests are about: topics with records, a group's member, an open transaction."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from dataplane.virtual.messages import blank
from dataplane.wire.schema import Struct, message
from tests.dataplane.equivalence.bodies import (
    GROUPS,
    NEW_GROUP,
    PARTITIONS,
    SYMBOL,
    TOPICS,
    TRANSACTIONS,
    a_batch,
)

PRODUCE, LIST_OFFSETS, OFFSET_COMMIT, FIND_COORDINATOR, JOIN_GROUP = 0, 2, 8, 10, 11
SYNC_GROUP, CREATE_TOPICS = 14, 19
INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN, CONSUMER_GROUP_HEARTBEAT = 22, 24, 68
MINUTE = dt.timedelta(minutes=1)
SUBSCRIBED = b"\0\1\0\0\0\1\0\6orders" + b"\0\0\0\0" + b"\0\0\0\0"
ASSIGNED = b"\0\0\0\0\0\1\0\6orders" + b"\0\0\0\1\0\0\0\0" + b"\0\0\0\0"


def requests() -> Iterator[tuple[int, int, Any]]:
    """API, version and body, in an order that makes sense more than once."""
    yield made(
        CREATE_TOPICS,
        4,
        timeout=MINUTE,
        topics=[{"name": t, "num_partitions": PARTITIONS, "replication_factor": 1} for t in TOPICS],
    )
    partition = {"index": 0, "records": a_batch(3)}
    written = [{"name": topic, "partition_data": [partition]} for topic in TOPICS]
    yield made(PRODUCE, 3, acks=-1, timeout=MINUTE, topic_data=written)
    # Whoever asks first has the cluster make its coordinators.
    yield made(FIND_COORDINATOR, 4, key_type=0, coordinator_keys=[*GROUPS[1:], NEW_GROUP])
    yield made(FIND_COORDINATOR, 4, key_type=1, coordinator_keys=list(TRANSACTIONS[1:]))
    yield made(
        JOIN_GROUP,
        2,
        group_id=GROUPS[0],
        session_timeout=5 * MINUTE,
        rebalance_timeout=dt.timedelta(milliseconds=100),
        protocol_type="consumer",
        protocols=[{"name": "range", "metadata": SUBSCRIBED}],
    )
    assigned = [{"member_id": "@0", "assignment": ASSIGNED}]
    member = {"group_id": GROUPS[0], "generation_id": 1, "member_id": "@0"}
    yield made(SYNC_GROUP, 2, **member, assignments=assigned)
    offsets = [{"partition_index": 0, "committed_offset": 2, "committed_metadata": "so far"}]
    committed = [{"name": "orders", "partitions": offsets}]
    member["generation_id_or_member_epoch"] = member.pop("generation_id")
    yield made(OFFSET_COMMIT, 6, **member, topics=committed)
    yield made(
        CONSUMER_GROUP_HEARTBEAT,
        0,
        group_id=NEW_GROUP,
        member_id="one",
        member_epoch=0,
        rebalance_timeout=MINUTE,
        subscribed_topic_names=["orders"],
        topic_partitions=[],
    )
    yield made(INIT_PRODUCER_ID, 3, transactional_id=TRANSACTIONS[0], transaction_timeout=MINUTE)
    yield made(
        ADD_PARTITIONS_TO_TXN,
        3,
        v3_and_below_transactional_id=TRANSACTIONS[0],
        v3_and_below_producer_id=SYMBOL,
        v3_and_below_producer_epoch=0,
        v3_and_below_topics=[{"name": "users", "partitions": [0]}],
    )


def offsets_of(topics: Iterable[Any]) -> tuple[int, int, Any]:
    """ListOffsets for every partition in a Metadata answer."""
    asked = [
        {
            "name": topic.name,
            "partitions": [{"partition_index": p.partition_index} for p in topic.partitions],
        }
        for topic in topics
    ]
    return made(LIST_OFFSETS, 1, replica_id=-1, topics=asked)


def made(key: int, version: int, **given: Any) -> tuple[int, int, Any]:
    """A request from plain dictionaries and lists."""
    return key, version, _filled(message(key, version, "request"), given)


def answered(key: int, version: int, **given: Any) -> tuple[int, int, Any]:
    """An answer, made in the same way."""
    return key, version, _filled(message(key, version, "response"), given)


def _filled(struct: Struct, given: dict[str, Any]) -> Any:
    structs = {f.name: f.struct for f in struct.fields}
    return blank(
        struct.entity, **{name: _value(structs[name], value) for name, value in given.items()}
    )


def _value(struct: Struct | None, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_value(struct, one) for one in value)
    return _filled(struct, value) if struct is not None and isinstance(value, dict) else value
