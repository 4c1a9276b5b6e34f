"""What each API that is sent on does to a cluster: some write, and a read-only account may not.

The codes are those with which Kafka's own `KafkaApis` refuses a client without the right to write,
so clients know what to make of them. A test fails for an API that stands in neither list.
"""

from typing import Final

PRODUCE: Final = 0
METADATA: Final = 3
CREATE_TOPICS: Final = 19
DELETE_TOPICS: Final = 20
DELETE_RECORDS: Final = 21
INIT_PRODUCER_ID: Final = 22
ADD_PARTITIONS_TO_TXN: Final = 24
ADD_OFFSETS_TO_TXN: Final = 25
END_TXN: Final = 26
TXN_OFFSET_COMMIT: Final = 28
ALTER_CONFIGS: Final = 33
CREATE_PARTITIONS: Final = 37
DELETE_GROUPS: Final = 42
INCREMENTAL_ALTER_CONFIGS: Final = 44
OFFSET_DELETE: Final = 47

TOPIC_AUTHORIZATION_FAILED: Final = 29
GROUP_AUTHORIZATION_FAILED: Final = 30
CLUSTER_AUTHORIZATION_FAILED: Final = 31
TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Final = 53

WRITES: Final = {
    PRODUCE: TOPIC_AUTHORIZATION_FAILED,
    CREATE_TOPICS: TOPIC_AUTHORIZATION_FAILED,
    DELETE_TOPICS: TOPIC_AUTHORIZATION_FAILED,
    DELETE_RECORDS: TOPIC_AUTHORIZATION_FAILED,
    INIT_PRODUCER_ID: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ADD_PARTITIONS_TO_TXN: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ADD_OFFSETS_TO_TXN: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    END_TXN: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    TXN_OFFSET_COMMIT: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ALTER_CONFIGS: TOPIC_AUTHORIZATION_FAILED,
    CREATE_PARTITIONS: TOPIC_AUTHORIZATION_FAILED,
    DELETE_GROUPS: GROUP_AUTHORIZATION_FAILED,
    INCREMENTAL_ALTER_CONFIGS: TOPIC_AUTHORIZATION_FAILED,
    OFFSET_DELETE: GROUP_AUTHORIZATION_FAILED,
}
"""API key to the error code of an account that may not write. Of configs and of InitProducerId it
depends on what is asked for: see `judgement`."""

READS: Final = frozenset(
    {1, 2, METADATA, 8, 9, 10, 11, 12, 13, 14, 15, 16, 32, 35, 60, 61, 65, 66, 68, 69, 75}
)
"""API keys of the others. Being in a group and committing offsets goes with reading."""

ADMINISTERS_TOPICS: Final = frozenset(
    {DELETE_TOPICS, DELETE_RECORDS, ALTER_CONFIGS, CREATE_PARTITIONS, INCREMENTAL_ALTER_CONFIGS}
)
"""What only the virtual cluster may do that owns a topic: not one that has an alias for it."""
