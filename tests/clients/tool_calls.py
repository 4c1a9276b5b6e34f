"""What a tenant does with Kafka's own tools: each call, and what its output must hold.

The calls run in this order, on one topic `users` and one group `readers`; `{folder}` has FILES.
"""

from dataclasses import dataclass
from typing import Final

FILES: Final = {
    "offsets.json": '{"version":1,"partitions":[{"topic":"users","partition":0,"offset":-1}]}',
    "elections.json": '{"partitions":[{"topic":"users","partition":0}]}',
    "reassignment.json": (
        '{"version":1,"partitions":[{"topic":"users","partition":0,"replicas":[0]}]}'
    ),
}


@dataclass(frozen=True)
class Call:
    """One run of a tool."""

    tool: str
    arguments: str
    """Separated by spaces."""
    holds: tuple[str, ...] = ()
    """Texts of the output."""
    code: int = 0
    stdin: bytes = b""

    @property
    def name(self) -> str:
        words = self.arguments.replace("--", "").replace("{folder}/", "").split()
        return " ".join([self.tool.removeprefix("kafka-"), *words[:6]])


def _denied(tool: str, arguments: str, *holds: str, code: int = 1) -> Call:
    return Call(tool, arguments, holds, code)


_OPERATED: Final = "is not for virtual clusters: the clusters behind the gateway are operated by"
_QUOTAS: Final = "is not for virtual clusters: quotas are set by the gateway's administrators"
_ACLS: Final = "who may do what is decided by the gateway's accounts, not by ACLs"
_ACCOUNTS: Final = "accounts and their credentials are kept by the gateway"
_CONFIGS: Final = "a virtual cluster has configs of topics and groups only"
_TOKENS: Final = "DelegationTokenDisabledException"
_NO_SHARE_GROUPS: Final = "The cluster does not support the share group protocol"

TENANT_CALLS: Final = (
    Call(
        "kafka-topics",
        "--create --topic users --partitions 1 --replication-factor 1",
        ("Created topic users.",),
    ),
    Call(
        "kafka-topics",
        "--create --topic users",
        ("Topic 'users' already exists.",),
        code=1,
    ),
    Call("kafka-topics", "--alter --topic users --partitions 2"),
    Call("kafka-topics", "--list", ("users\n",)),
    Call(
        "kafka-topics",
        "--describe --topic users",
        ("PartitionCount: 2", "Partition: 1\tLeader: 0\tReplicas: 0\tIsr: 0"),
    ),
    Call(
        "kafka-configs",
        "--alter --entity-type topics --entity-name users --add-config retention.ms=99999",
        ("Completed updating config for topic users.",),
    ),
    Call(
        "kafka-configs",
        "--describe --entity-type topics --entity-name users",
        ("retention.ms=99999 ",),
    ),
    Call(
        "kafka-configs",
        "--alter --entity-type groups --entity-name readers"
        " --add-config consumer.session.timeout.ms=50000",
        ("Completed updating config for group readers.",),
    ),
    Call(
        "kafka-configs",
        "--describe --entity-type groups --entity-name readers",
        ("consumer.session.timeout.ms=50000 ",),
    ),
    Call("kafka-console-producer", "--topic users", stdin=b"tom\nlaura\nalice\n"),
    Call(
        "kafka-console-consumer",
        "--topic users --group readers --from-beginning --max-messages 3",
        ("tom", "laura", "alice", "Processed a total of 3 messages"),
    ),
    Call("kafka-consumer-groups", "--list", ("readers\n",)),
    Call("kafka-consumer-groups", "--describe --group readers", ("readers         users",)),
    Call(
        "kafka-consumer-groups",
        "--describe --group readers --members --verbose",
        ("Consumer group 'readers' has no active members.",),
    ),
    Call("kafka-consumer-groups", "--describe --group readers --state", ("Empty",)),
    Call(
        "kafka-consumer-groups",
        "--reset-offsets --group readers --topic users --to-earliest --execute",
        ("readers", "users", "NEW-OFFSET"),
    ),
    Call(
        "kafka-consumer-groups",
        "--delete-offsets --group readers --topic users",
        ("users           1          Successful",),
    ),
    Call("kafka-groups", "--list", ("readers", "Classic")),
    Call("kafka-get-offsets", "--topic users", ("users:0:", "users:1:")),
    Call(
        "kafka-delete-records",
        "--offset-json-file {folder}/offsets.json",
        ("partition: users-0\tlow_watermark: ",),
    ),
    Call(
        "kafka-producer-perf-test",
        "--topic users --num-records 100 --record-size 10 --throughput -1"
        " --transactional-id payments",
        ("100 records sent",),
    ),
    Call("kafka-transactions", "list", ("payments", "CompleteCommit")),
    Call(
        "kafka-transactions",
        "list --transactional-id-pattern pay.*",
        ("payments",),
    ),
    Call(
        "kafka-transactions",
        "describe --transactional-id payments",
        ("payments", "CompleteCommit"),
    ),
    Call(
        "kafka-transactions",
        "describe-producers --topic users --partition 0",
        ("LatestCoordinatorEpoch",),
    ),
    Call("kafka-transactions", "find-hanging --broker-id 0", ("StartOffset",)),
    Call(
        "kafka-consumer-perf-test",
        "--topic users --group testers --num-records 50 --timeout 20000",
        ("data.consumed.in.nMsg",),
    ),
    Call("kafka-verifiable-producer", "--topic users --max-messages 5", ('"acked":5',)),
    Call(
        "kafka-verifiable-consumer",
        "--topic users --group-id verified --max-messages 5",
        ('"name":"records_consumed"', '"name":"offsets_committed"'),
    ),
    Call(
        "kafka-e2e-latency",
        "--topic users --num-records 10 --producer-acks all --record-size 20",
        ("Avg latency",),
    ),
    Call(
        "kafka-broker-api-versions",
        "",
        (
            "localhost:",
            "(id: 0 ",
            "ConsumerGroupHeartbeat(68): 0 to 1",
            "ShareGroupHeartbeat(76): UNSUPPORTED",
        ),
    ),
    Call("kafka-cluster", "cluster-id", ("Cluster ID: ",)),
    Call("kafka-cluster", "list-endpoints", ("0          localhost",)),
    Call("kafka-features", "describe"),
    Call("kafka-log-dirs", "--describe", ('"partition":"users-0"',)),
    Call(
        "kafka-streams-application-reset",
        "--application-id words --input-topics users --force",
        ("Topic: users Partition: 0 Offset: ", "Done."),
    ),
    Call("kafka-streams-groups", "--list"),
    Call("kafka-share-groups", "--list"),
    Call("kafka-consumer-groups", "--delete --group readers", ("was successful",)),
)
"""What makes sense for a tenant."""

DENIED_CALLS: Final = (
    _denied("kafka-acls", "--list", _ACLS),
    _denied("kafka-acls", "--add --allow-principal User:x --operation Read --topic users", _ACLS),
    _denied(
        "kafka-acls", "--remove --force --allow-principal User:x --operation Read --topic t", _ACLS
    ),
    _denied("kafka-reassign-partitions", "--list", _OPERATED),
    _denied(
        "kafka-reassign-partitions",
        "--execute --reassignment-json-file {folder}/reassignment.json",
        _OPERATED,
    ),
    _denied(
        "kafka-leader-election",
        "--election-type preferred --all-topic-partitions",
        "Not authorized to perform leader election",
    ),
    _denied(
        "kafka-leader-election",
        "--election-type preferred --path-to-json-file {folder}/elections.json",
        "Not authorized to perform leader election",
    ),
    _denied("kafka-metadata-quorum", "describe --status", _OPERATED),
    _denied(
        "kafka-metadata-quorum",
        "remove-controller --controller-id 1 --controller-directory-id AAAAAAAAAAAAAAAAAAAAAA",
        _OPERATED,
    ),
    _denied("kafka-delegation-tokens", "--create --max-life-time-period -1", _TOKENS),
    _denied("kafka-delegation-tokens", "--describe", _TOKENS),
    _denied("kafka-configs", "--describe --entity-type users", _QUOTAS),
    _denied("kafka-configs", "--describe --entity-type clients", _QUOTAS),
    _denied(
        "kafka-configs",
        "--alter --entity-type clients --entity-name x --add-config producer_byte_rate=1024",
        _QUOTAS,
    ),
    _denied(
        "kafka-configs",
        "--alter --entity-type users --entity-name x --add-config SCRAM-SHA-256=[password=x]",
        _ACCOUNTS,
    ),
    _denied("kafka-configs", "--describe --entity-type brokers --entity-name 0", _CONFIGS),
    _denied(
        "kafka-configs",
        "--alter --entity-type brokers --entity-name 0 --add-config log.cleaner.threads=2",
        _CONFIGS,
    ),
    _denied("kafka-client-metrics", "--list", "Cluster authorization failed."),
    _denied(
        "kafka-client-metrics",
        "--alter --name m --metrics org.apache --interval 10000",
        _CONFIGS,
    ),
    _denied(
        "kafka-features",
        "upgrade --feature metadata.version=26",
        "Could not upgrade metadata.version to 26. UpdateFeatures " + _OPERATED,
    ),
    _denied("kafka-cluster", "unregister --id 0", _OPERATED),
    _denied(
        "kafka-share-groups",
        "--describe --group s",
        "The node does not support SHARE_GROUP_DESCRIBE",
        code=0,
    ),
    _denied(
        "kafka-streams-groups",
        "--describe --group s",
        "The node does not support STREAMS_GROUP_DESCRIBE",
    ),
    _denied(
        "kafka-console-share-consumer",
        "--topic users --group s --timeout-ms 2000",
        _NO_SHARE_GROUPS,
        code=0,
    ),
    _denied(
        "kafka-verifiable-share-consumer",
        "--topic users --group-id s --max-messages 1",
        _NO_SHARE_GROUPS,
        code=0,
    ),
    _denied(
        "kafka-share-consumer-perf-test",
        "--topic users --num-records 1 --timeout 2000",
        _NO_SHARE_GROUPS,
    ),
)
"""What belongs to the physical cluster, or is not there: an error that says why."""

LAST_CALLS: Final = (Call("kafka-topics", "--delete --topic users"),)
