"""The kinds of fields in Kafka's messages, and what happens to each on its way.

`request` is done to what a client sends, `response` to what it gets. None: the field passes.
Error codes are Kafka's (`org.apache.kafka.common.protocol.Errors`).
"""

from dataclasses import dataclass
from typing import Final

from dataplane.virtual.broker_list import broker_list, cluster_id, no_rack
from dataplane.virtual.consumer_protocol import (
    logical_assignment,
    logical_subscription,
    physical_assignment,
    physical_subscription,
)
from dataplane.virtual.error_text import tenant_text
from dataplane.virtual.log_dirs import nameless_directory
from dataplane.virtual.numbers import renumbered_batches, signpost
from dataplane.virtual.own_range import first_of_mine, pattern_of_mine
from dataplane.virtual.producer_ids import renewed_producer_ids
from dataplane.virtual.topic_patterns import pattern_as_given, pattern_of_my_topics
from dataplane.wire.treatments import (
    AddPrefix,
    ClusterId,
    Constant,
    Dropped,
    FieldTreatment,
    GivenIfNull,
    ListenerHost,
    ListenerPort,
    Mapped,
    Named,
    Noted,
    Only,
    OwnId,
    PartitionNumbered,
    Patched,
    Renumbered,
    Replaced,
    Shifted,
    ShownId,
    StripPrefix,
    Through,
    ToNumber,
    ToOffset,
)

INVALID_TOPIC_EXCEPTION: Final = 17
INVALID_GROUP_ID: Final = 24
CLUSTER_AUTHORIZATION_FAILED: Final = 31
INVALID_REQUEST: Final = 42
UNSUPPORTED_ENDPOINT_TYPE: Final = 115

CONFIG_OF_TOPIC: Final = 2
"""The type of a config resource that is a topic."""

_MINUS_ONE: Final = b"\xff\xff\xff\xff"
_MINUS_ONE_LONG: Final = b"\xff" * 8
_ZERO: Final = b"\0\0\0\0"
_INT32_MIN: Final = b"\x80\0\0\0"
"""How Kafka says that authorized operations were not asked for."""


@dataclass(frozen=True, slots=True)
class FieldClass:
    """What a field holds, and how it is treated in each direction."""

    name: str
    meaning: str
    request: FieldTreatment | None = None
    response: FieldTreatment | None = None
    offered: bool = True
    """False: no offered version may have such a field."""


def _without_text(_value: bytes | None, _view: object, _fact: object) -> bytes:
    return b""


_LISTED = StripPrefix(leave_out_foreign=True)

TOPIC = FieldClass(
    "topic",
    "a topic's name, or an alias",
    AddPrefix(INVALID_TOPIC_EXCEPTION, aliased=True),
    StripPrefix(aliased=True),
)
ASKED_TOPIC = FieldClass(
    "asked topic",
    "the name of a topic to describe; without any, all are asked for, from a cursor on",
    AddPrefix(INVALID_TOPIC_EXCEPTION, noted=True, aliased=True),
)
WRITTEN_TOPIC = FieldClass(
    "written topic",
    "the name of a topic that records are written to",
    AddPrefix(INVALID_TOPIC_EXCEPTION, aliased=True, written=True),
)
GROUP = FieldClass("group", "a group id", AddPrefix(INVALID_GROUP_ID), StripPrefix())
TRANSACTION = FieldClass(
    "transaction", "a transactional id", AddPrefix(INVALID_REQUEST), StripPrefix()
)
LISTED = FieldClass(
    "listed name", "a name in a list that also holds those of others", response=_LISTED
)
LISTED_TOPIC = FieldClass(
    "listed topic",
    "a topic's name in a list that also holds those of others",
    response=StripPrefix(leave_out_foreign=True, aliased=True),
)
TRANSACTION_PATTERN = FieldClass(
    "transaction pattern",
    "a regular expression for whole transactional ids (KIP-1152)",
    Through(pattern_of_mine),
)
CURSOR = FieldClass(
    "cursor",
    "where a page of topics begins, in order of names: the first page of all begins at the own"
    " ones; brokers refuse a cursor at a topic that is not among those asked for",
    GivenIfNull(first_of_mine),
)
NEW_PRODUCER_ID = FieldClass(
    "new producer id",
    "a producer id as the broker gave it out",
    response=Shifted("producer_id_offset"),
)
COORDINATOR_KEY = FieldClass(
    "coordinator key", "a group id or transactional id", AddPrefix(INVALID_GROUP_ID), StripPrefix()
)
COORDINATOR_TYPE = FieldClass(
    "coordinator type",
    "what coordinator keys are; share groups are not served",
    Only((0, 1), INVALID_REQUEST, "coordinator key type"),
)
CONFIG_RESOURCE = FieldClass(
    "config resource",
    "the name of a topic or group; a topic's may be an alias",
    AddPrefix(INVALID_REQUEST, aliased=True, aliased_after=CONFIG_OF_TOPIC),
    StripPrefix(aliased=True),
)
CONFIG_RESOURCE_TYPE = FieldClass(
    "config resource type",
    "what the config resource is: a topic or a group; brokers are not the tenant's",
    Only(
        (CONFIG_OF_TOPIC, 32),
        CLUSTER_AUTHORIZATION_FAILED,
        "a virtual cluster has configs of topics and groups only; config resource type",
    ),
)
NODE = FieldClass("node", "a broker id, shown as a slot", Mapped("broker_ids"), Mapped("slots"))
REPLICA = FieldClass(
    "replica",
    "the broker that asks; a client has none",
    Only((-1,), CLUSTER_AUTHORIZATION_FAILED, "replica id"),
)
FOLLOWER = FieldClass(
    "follower",
    "what a replica says of itself as it fetches; a client has nothing to say there",
    Dropped(),
)
BROKERS = FieldClass(
    "brokers", "the brokers and their addresses: the slots", response=Replaced(broker_list)
)
HOST = FieldClass("host", "the host of the node named before it", response=ListenerHost())
PORT = FieldClass("port", "the port of the node named before it", response=ListenerPort())
ENDPOINT_TYPE = FieldClass(
    "endpoint type",
    "brokers or controllers; there are no controllers to see",
    Only((1,), UNSUPPORTED_ENDPOINT_TYPE, "endpoint type"),
)
LEADER_HINT = FieldClass(
    "leader hint",
    "leaders, epochs and addresses that clients would take over at once (KIP-951, KIP-595)",
    Dropped(),
    Dropped(),
)
RACK = FieldClass(
    "rack",
    "where a consumer is: with it a broker may answer with another replica and no records",
    request=Replaced(no_rack),
)
PREFERRED_REPLICA = FieldClass(
    "preferred replica", "the replica to read from", response=Constant(_MINUS_ONE)
)
LEADER_EPOCH = FieldClass(
    "leader epoch",
    "grows per cluster, so another cluster's would be taken for old: never shown, never sent",
    Constant(_MINUS_ONE),
    Constant(_MINUS_ONE),
)
FETCH_SESSION = FieldClass(
    "fetch session",
    "kept by one broker (KIP-227): there are none",
    Constant(_ZERO),
    Constant(_ZERO),
)
FETCH_SESSION_EPOCH = FieldClass(
    "fetch session epoch", "-1 asks for a fetch without a session", Constant(_MINUS_ONE)
)
CLUSTER_ID = FieldClass("cluster id", "the cluster's id", response=Replaced(cluster_id))
AUTHORIZED_OPERATIONS = FieldClass(
    "authorized operations", "the gateway's rights, not the tenant's", response=Constant(_INT32_MIN)
)
ERROR_TEXT = FieldClass(
    "error text", "free text that may quote physical names", response=Through(tenant_text)
)
CLIENT_HOST = FieldClass(
    "client host", "the gateway's address, as the broker sees it", response=Through(_without_text)
)
LOG_DIR = FieldClass(
    "log directory", "a path on a broker's disk", response=Through(nameless_directory)
)
DISK_SIZE = FieldClass(
    "disk size", "bytes of a disk that others use too", response=Constant(_MINUS_ONE_LONG)
)
SUBSCRIPTION = FieldClass(
    "subscription",
    "bytes in which brokers look for topic names",
    Through(physical_subscription, counts=True),
    Through(logical_subscription),
)
ASSIGNMENT = FieldClass(
    "assignment",
    "bytes in which a group's leader names topics to the members",
    Through(physical_assignment, counts=True),
    Through(logical_assignment),
)
PROTOCOL_TYPE = FieldClass(
    "protocol type", "says whether subscriptions and assignments are a consumer's", Noted(), Noted()
)
ACKS = FieldClass("acks", "0: there will be no answer", Noted())
RECORDS = FieldClass(
    "records",
    "record batches; of their headers only the id of an idempotent producer, if it is an older one,"
    " and the offset of a batch that is read",
    Patched(renewed_producer_ids),
    Renumbered(renumbered_batches, signpost),
)
PARTITION = FieldClass(
    "partition",
    "the partition that offsets after it are of",
    PartitionNumbered(),
    PartitionNumbered(),
)
COMMITTED_PARTITION = FieldClass(
    "committed partition",
    "the partition that a committed offset is of; answers tell no offsets",
    PartitionNumbered(),
)
OFFSET = FieldClass("offset", "a place in a partition's log", ToOffset(), ToNumber())
FETCH_OFFSET = FieldClass(
    "fetch offset",
    "where a client reads on; who brings an older number is first told the place in the present"
    " numbering",
    ToOffset(noted=True),
)
FOLLOWERS_OFFSET = FieldClass(
    "follower's offset", "what a replica says of its own log; brokers do not heed a client's"
)
OFFSET_LAG = FieldClass("offset lag", "a number of records between two replicas: passes")
OWN = FieldClass("own", "the tenant's own words, or Kafka's: passes")
TOPIC_ID = FieldClass(
    "topic id", "a topic's UUID, its name is not there or comes later", ClusterId(), ShownId()
)
TOPIC_AND_ITS_ID = FieldClass(
    "topic, and its id",
    "a topic's name, or an alias, before its UUID",
    response=StripPrefix(aliased=True, identified=True),
)
LISTED_TOPIC_AND_ITS_ID = FieldClass(
    "listed topic, and its id",
    "the same in a list that also holds those of others",
    response=StripPrefix(leave_out_foreign=True, aliased=True, identified=True),
)
ID_OF_NAMED_TOPIC = FieldClass(
    "id of a named topic", "a topic's UUID after its name", response=ShownId(named=True)
)
ASKED_TOPIC_ID = FieldClass(
    "asked topic id",
    "a topic's UUID in the place of its name, or null: named by name alone it goes on",
    Named(),
)
OWN_TOPIC_ID = FieldClass(
    "own topic id",
    "a topic's UUID in the place of its name; goes on once the topic is known to be the tenant's",
    OwnId(),
    ShownId(),
)
WRITTEN_TOPIC_ID = FieldClass(
    "written topic id",
    "the same of a topic that records are written to: no alias for reading only",
    OwnId(written=True),
)
HIDDEN_TOPIC_ID = FieldClass(
    "hidden topic id", "a topic's UUID on one cluster, in APIs by names alone", offered=False
)
TOPIC_PATTERN = FieldClass(
    "topic pattern",
    "a regular expression for whole topic names, which brokers match with all that there are",
    Through(pattern_of_my_topics),
    Through(pattern_as_given),
)
UNSERVED = FieldClass("unserved", "a field of versions or APIs that are refused", offered=False)
