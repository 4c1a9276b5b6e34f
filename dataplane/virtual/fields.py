"""Which class each field of Kafka's messages belongs to, and so what happens to it.

A rule is a pattern over `api.direction.path`, where `*` stands for anything; the first that fits
wins. Fields that kio marks as a topic name, group id, transactional id or broker id need no rule.
A test fails for a string, byte field, UUID or marked field without a class, and for a rule that
fits nothing: a new release of kio cannot bring in a name unnoticed.
"""

import re
from dataclasses import replace
from functools import cache
from typing import Final

from dataplane.virtual import field_classes as fc
from dataplane.virtual.field_classes import FieldClass
from dataplane.wire.schema import Direction, Field
from dataplane.wire.treatments import (
    NUMBERING,
    AddPrefix,
    FieldTreatment,
    OwnId,
    ShownId,
    StripPrefix,
    TopicNumbered,
)

NUMBERED: Final = frozenset(
    {
        "produce",
        "fetch",
        "list_offsets",
        "offset_commit",
        "offset_fetch",
        "delete_records",
        "txn_offset_commit",
        "describe_producers",
    }
)
"""APIs with offsets in them: each of their messages has a second program, for virtual clusters in
which some topic's numbers are not the cluster's own offsets."""

MARKED: Final = {
    "TopicName": fc.TOPIC,
    "GroupId": fc.GROUP,
    "TransactionalId": fc.TRANSACTION,
    "BrokerId": fc.NODE,
}
"""Classes of the types that kio gives to fields."""

RULES: Final[tuple[tuple[str, FieldClass], ...]] = (
    # Ids of topics
    ("metadata.response.topics[].name", fc.LISTED_TOPIC_AND_ITS_ID),
    ("metadata.response.topics[].topic_id", fc.ID_OF_NAMED_TOPIC),
    ("metadata.request.topics[].topic_id", fc.ASKED_TOPIC_ID),
    ("describe_topic_partitions.response.topics[].name", fc.LISTED_TOPIC_AND_ITS_ID),
    ("describe_topic_partitions.response.topics[].topic_id", fc.ID_OF_NAMED_TOPIC),
    ("create_topics.response.topics[].name", fc.TOPIC_AND_ITS_ID),
    ("create_topics.response.topics[].topic_id", fc.ID_OF_NAMED_TOPIC),
    ("delete_topics.response.responses[].name", fc.TOPIC_AND_ITS_ID),
    ("delete_topics.response.responses[].topic_id", fc.ID_OF_NAMED_TOPIC),
    ("delete_topics.request.topics[].topic_id", fc.ASKED_TOPIC_ID),
    ("consumer_group_*.topic_id", fc.TOPIC_ID),
    ("offset_commit.*.topic_id", fc.OWN_TOPIC_ID),
    ("offset_fetch.*.topic_id", fc.OWN_TOPIC_ID),
    ("produce.request.topic_data[].topic_id", fc.WRITTEN_TOPIC_ID),
    ("produce.response.responses[].topic_id", fc.OWN_TOPIC_ID),
    ("fetch.request.topics[].topic_id", fc.OWN_TOPIC_ID),
    ("fetch.response.responses[].topic_id", fc.OWN_TOPIC_ID),
    ("fetch.request.forgotten_topics_data[].topic_id", fc.TOPIC_ID),
    ("*topic_id", fc.HIDDEN_TOPIC_ID),
    # What only other versions have than the offered ones
    ("add_partitions_to_txn.*.*_by_transaction[].*", fc.UNSERVED),
    ("add_partitions_to_txn.request.transactions[].*", fc.UNSERVED),
    ("init_producer_id.*ongoing_txn_producer_id", fc.UNSERVED),
    ("produce.request.topic_data[].name", fc.WRITTEN_TOPIC),
    # Lists that hold everybody's
    ("list_groups.response.groups[].group_id", fc.LISTED),
    ("list_transactions.response.transaction_states[].transactional_id", fc.LISTED),
    ("offset_fetch.response.*topics[].name", fc.LISTED_TOPIC),
    # A transaction with group offsets in it also names a partition of __consumer_offsets
    ("describe_transactions.response.transaction_states[].topics[].topic", fc.LISTED_TOPIC),
    # A page of everybody's topics, in order of their names
    ("describe_topic_partitions.request.topics[].name", fc.ASKED_TOPIC),
    ("describe_topic_partitions.request.cursor", fc.CURSOR),
    ("describe_topic_partitions.response.next_cursor.topic_name", fc.LISTED_TOPIC),
    ("describe_log_dirs.response.results[].topics[].name", fc.LISTED_TOPIC),
    # Brokers
    ("metadata.response.brokers[]*", fc.BROKERS),
    ("describe_cluster.response.brokers[]*", fc.BROKERS),
    ("describe_cluster.*.endpoint_type", fc.ENDPOINT_TYPE),
    ("find_coordinator.response.*host", fc.HOST),
    ("find_coordinator.response.*port", fc.PORT),
    ("*.node_endpoints[].*", fc.LEADER_HINT),
    ("*.current_leader.*", fc.LEADER_HINT),
    ("*.diverging_epoch.*", fc.LEADER_HINT),
    ("*.snapshot_id.*", fc.LEADER_HINT),
    ("fetch.request.cluster_id", fc.LEADER_HINT),
    ("*.response.cluster_id", fc.CLUSTER_ID),
    ("fetch.request.replica_state.*", fc.FOLLOWER),
    ("fetch.request.topics[].partitions[].replica_directory_id", fc.FOLLOWER),
    ("fetch.request.topics[].partitions[].high_watermark", fc.FOLLOWER),
    ("*.request.replica_id", fc.REPLICA),
    ("fetch.request.rack_id", fc.RACK),
    ("fetch.response.*.preferred_read_replica", fc.PREFERRED_REPLICA),
    # Things that one cluster, or one broker, counts for itself
    ("*leader_epoch", fc.LEADER_EPOCH),
    ("*.last_fetched_epoch", fc.LEADER_EPOCH),
    ("fetch.*.session_id", fc.FETCH_SESSION),
    ("fetch.request.session_epoch", fc.FETCH_SESSION_EPOCH),
    ("init_producer_id.response.producer_id", fc.NEW_PRODUCER_ID),
    ("*producer_id", fc.OWN),
    # Names that a sibling field says the meaning of
    ("find_coordinator.request.key", fc.COORDINATOR_KEY),
    ("find_coordinator.request.coordinator_keys[]", fc.COORDINATOR_KEY),
    ("find_coordinator.response.coordinators[].key", fc.COORDINATOR_KEY),
    ("find_coordinator.request.key_type", fc.COORDINATOR_TYPE),
    ("*configs.*.resource_name", fc.CONFIG_RESOURCE),
    ("*configs.request.*.resource_type", fc.CONFIG_RESOURCE_TYPE),
    # Bytes and texts with names inside
    ("list_transactions.request.transactional_id_pattern", fc.TRANSACTION_PATTERN),
    ("consumer_group_*.subscribed_topic_regex", fc.TOPIC_PATTERN),
    ("join_group.request.protocols[].metadata", fc.SUBSCRIPTION),
    ("join_group.response.members[].metadata", fc.SUBSCRIPTION),
    ("describe_groups.response.*.member_metadata", fc.SUBSCRIPTION),
    ("describe_groups.response.*.member_assignment", fc.ASSIGNMENT),
    ("sync_group.request.*.assignment", fc.ASSIGNMENT),
    ("sync_group.response.assignment", fc.ASSIGNMENT),
    ("join_group.request.protocol_type", fc.PROTOCOL_TYPE),
    ("sync_group.*.protocol_type", fc.PROTOCOL_TYPE),
    ("describe_groups.response.groups[].protocol_type", fc.PROTOCOL_TYPE),
    ("produce.request.acks", fc.ACKS),
    ("*.records", fc.RECORDS),
    # Places in a partition's log
    ("fetch.request.topics[].partitions[].fetch_offset", fc.FETCH_OFFSET),
    ("fetch.request.topics[].partitions[].log_start_offset", fc.FOLLOWERS_OFFSET),
    ("describe_log_dirs.response.*.offset_lag", fc.OFFSET_LAG),
    ("*offset", fc.OFFSET),
    ("*watermark", fc.OFFSET),
    ("fetch.request.topics[].partitions[].partition", fc.PARTITION),
    ("produce.response.*.index", fc.PARTITION),
    ("offset_commit.*.partition_index", fc.COMMITTED_PARTITION),
    ("*.partition_index", fc.PARTITION),
    # What the physical cluster says about itself or the gateway
    ("*.response.*authorized_operations", fc.AUTHORIZED_OPERATIONS),
    ("*error_message", fc.ERROR_TEXT),
    ("*_group*.response.*.client_host", fc.CLIENT_HOST),
    ("*_group*.response.*.client_id", fc.OWN),
    ("describe_log_dirs.response.results[].log_dir", fc.LOG_DIR),
    ("describe_log_dirs.response.results[].*_bytes", fc.DISK_SIZE),
    # The tenant's own words, and Kafka's
    ("*.member_id", fc.OWN),
    ("*.group_instance_id", fc.OWN),
    ("consumer_group_*.instance_id", fc.OWN),
    ("consumer_group_*.rack_id", fc.OWN),
    ("consumer_group_*assignor*", fc.OWN),
    ("*.committed_metadata", fc.OWN),
    ("offset_fetch.response.*partitions[].metadata", fc.OWN),
    ("*_group.*.protocol_type", fc.OWN),
    ("list_groups.response.groups[].protocol_type", fc.OWN),
    ("*.protocol_name", fc.OWN),
    ("join_group.request.protocols[].name", fc.OWN),
    ("join_group.response.leader", fc.OWN),
    ("*.reason", fc.OWN),
    ("*.group_state", fc.OWN),
    ("*.protocol_data", fc.OWN),
    ("*.group_type", fc.OWN),
    ("*.transaction_state", fc.OWN),
    ("*_filter*[]", fc.OWN),
    ("*.configs[].*", fc.OWN),
    ("describe_configs.request.resources[].configuration_keys[]", fc.OWN),
    ("sasl_*", fc.OWN),
    ("api_versions.*", fc.OWN),
)

_IS_OFFSET: Final = re.compile("offset|watermark")
_UNMARKED_KINDS: Final = frozenset({"string", "bytes", "records", "uuid"})


@cache
def _compiled_rules() -> tuple[tuple[re.Pattern[str], FieldClass], ...]:
    return tuple((_pattern(rule), class_) for rule, class_ in RULES)


def _pattern(rule: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in rule.split("*")))


@cache
def matching_rule(address: str) -> int | None:
    """The index of the first rule that fits `api.direction.path`."""
    rules = enumerate(_compiled_rules())
    return next((index for index, (rule, _) in rules if rule.fullmatch(address)), None)


def class_of(api: str, direction: Direction, path: str, field: Field) -> FieldClass | None:
    """The class of a field; None if it has none, which `needs_class` forbids for some."""
    rule = matching_rule(f"{api}.{direction}.{path}")
    return RULES[rule][1] if rule is not None else MARKED.get(field.type_name)


def needs_class(field: Field) -> bool:
    """Whether a field could hold a name or an offset: somebody has to have thought about it."""
    return (
        field.kind in _UNMARKED_KINDS
        or field.type_name in {*MARKED, "ProducerId"}
        or (field.kind == "int64" and _IS_OFFSET.search(field.name) is not None)
    )


def numbered_treatment_of(
    api: str, direction: Direction, path: str, field: Field
) -> FieldTreatment | None:
    """The same where numbers are not the cluster's own offsets.

    Raises:
        LookupError: as there.
    """
    treatment = _treatment_of(api, direction, path, field)
    if field.type_name == "TopicName" and isinstance(treatment, AddPrefix | StripPrefix):
        return TopicNumbered(treatment)
    return (
        replace(treatment, numbered=True) if isinstance(treatment, OwnId | ShownId) else treatment
    )


def treatment_of(api: str, direction: Direction, path: str, field: Field) -> FieldTreatment | None:
    """What is done to a field of an offered message, whose numbers are the cluster's own offsets.

    Raises:
        LookupError: the field has no class, or one that no offered message may have.
    """
    treatment = _treatment_of(api, direction, path, field)
    return None if isinstance(treatment, NUMBERING) else treatment


def _treatment_of(api: str, direction: Direction, path: str, field: Field) -> FieldTreatment | None:
    """What is done to a field of an offered message.

    Raises:
        LookupError: the field has no class, or one that no offered message may have.
    """
    class_ = class_of(api, direction, path, field)
    if class_ is None:
        if needs_class(field):
            raise LookupError(f"{api}.{direction}.{path} has no class: add a rule for it")
        return None
    if not class_.offered:
        raise LookupError(f"{api}.{direction}.{path} is {class_.meaning}: do not offer it")
    return class_.request if direction == "request" else class_.response
