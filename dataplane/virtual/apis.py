"""The table of Kafka's APIs: what a virtual cluster does with each, in which versions, and why.

Whoever adds a version to a row looks at its new fields first; `fields` refuses to compile a message
with a field that nobody classified. `docs/protocol-coverage.md` is made from this table.

Clients that take no notice of what is offered are served beyond it, where all clusters can
(ADR 23).
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contract.records import Face

NOT_LEADER_OR_FOLLOWER: Final = 6
REQUEST_TIMED_OUT: Final = 7
LEADER_NOT_AVAILABLE: Final = 5
COORDINATOR_LOAD_IN_PROGRESS: Final = 14
COORDINATOR_NOT_AVAILABLE: Final = 15
CLUSTER_AUTHORIZATION_FAILED: Final = 31
NOT_CONTROLLER: Final = 41
DELEGATION_TOKEN_AUTH_DISABLED: Final = 61


class Treatment(StrEnum):
    """What happens to a request."""

    REWRITE = "rewrite"
    """Sent on with names and ids translated, and so is its answer."""
    ANSWER = "answer"
    """Answered by the gateway itself."""
    DENY = "deny"
    """Answered by the gateway itself, always with an error that says why: administration of what
    the tenant does not own. Offered, since clients show an error better than a missing API."""
    REFUSE = "refuse"
    """Not offered; a client that sends it all the same loses its connection."""


@dataclass(frozen=True, slots=True)
class Api:
    """One row."""

    key: int
    name: str
    treatment: Treatment
    reason: str
    lowest: int = 0
    highest: int = -1
    served_from: int = 0
    """Versions from `lowest` up to here are offered, for clients that look for them, not served."""
    looked_up_from: int = sys.maxsize
    """Versions from here on are younger than some clusters: whether all have them is looked up, as
    clients that do not look what is offered lose their connection at a switch."""
    repeatable: bool = False
    """Sending it twice does no more than sending it once: it may be retried unasked."""
    busy_error: int = REQUEST_TIMED_OUT
    """The retriable error of a request that had to wait too long."""
    denied_with: int = CLUSTER_AUTHORIZATION_FAILED
    """The error of every request that is denied."""

    @property
    def served(self) -> range:
        """The versions whose requests are handled."""
        return range(max(self.lowest, self.served_from), self.highest + 1)

    def serves(self, version: int) -> bool:
        """Whether requests of this version are handled."""
        return version in self.served

    def serves_as_offered(self, version: int) -> bool:
        """Whether requests of this version are handled, whatever the clusters are."""
        return (
            max(self.lowest, self.served_from) <= version <= self.highest
            and version < self.looked_up_from
        )

    def is_everywhere(self, version: int, face: Face | None) -> bool:
        """Whether every cluster has this version, by what the face says."""
        lowest, highest = face.api_versions.get(self.key, (0, -1)) if face is not None else (0, -1)
        return lowest <= version <= highest


def _rewritten(  # noqa: PLR0917 - the columns of the table
    key: int,
    name: str,
    versions: tuple[int, int],
    busy_error: int,
    reason: str,
    repeatable: bool = False,  # noqa: FBT001, FBT002 - a column of the table
    **versions_apart: int,
) -> Api:
    low, high = versions
    return Api(
        key,
        name,
        Treatment.REWRITE,
        reason,
        low,
        high,
        repeatable=repeatable,
        busy_error=busy_error,
        **versions_apart,
    )


def _answered(key: int, name: str, versions: tuple[int, int], reason: str) -> Api:
    return Api(key, name, Treatment.ANSWER, reason, *versions, repeatable=True)


def _denied(
    key: int,
    name: str,
    versions: tuple[int, int],
    reason: str,
    error: int = CLUSTER_AUTHORIZATION_FAILED,
) -> Api:
    return Api(key, name, Treatment.DENY, reason, *versions, repeatable=True, denied_with=error)


def _refused(key: int, name: str, reason: str) -> Api:
    return Api(key, name, Treatment.REFUSE, reason)


_R: Final = True
"""Marks rows that are safe to repeat."""

# Reasons that clients are shown
_ACCESS: Final = "who may do what is decided by the gateway's accounts, not by ACLs"
_ACCOUNTS: Final = "accounts and their credentials are kept by the gateway"
_OPERATED: Final = "the clusters behind the gateway are operated by its administrators"
_QUOTAS: Final = "quotas are set by the gateway's administrators"
_TOKENS: Final = "clients log in with the gateway's own tokens"

_TABLE: Final = (
    _rewritten(0, "Produce", (0, 13), NOT_LEADER_OR_FOLLOWER,
        "librdkafka compresses only if 0 is offered (KAFKA-18659)",
        served_from=3, looked_up_from=13),
    _rewritten(1, "Fetch", (4, 18), NOT_LEADER_OR_FOLLOWER, "all versions", _R,
        looked_up_from=13),
    _rewritten(2, "ListOffsets", (1, 11), NOT_LEADER_OR_FOLLOWER, "all versions", _R,
        looked_up_from=11),
    _rewritten(3, "Metadata", (0, 13), LEADER_NOT_AVAILABLE, "all versions", _R,
        looked_up_from=10),
    _rewritten(8, "OffsetCommit", (2, 10), COORDINATOR_LOAD_IN_PROGRESS, "all versions",
        looked_up_from=10),
    _rewritten(9, "OffsetFetch", (1, 10), COORDINATOR_LOAD_IN_PROGRESS, "all versions", _R,
        looked_up_from=10),
    _rewritten(10, "FindCoordinator", (0, 5), COORDINATOR_NOT_AVAILABLE,
        "6 is for share groups", _R),
    _rewritten(11, "JoinGroup", (0, 9), COORDINATOR_LOAD_IN_PROGRESS, "all versions", _R),
    _rewritten(12, "Heartbeat", (0, 4), COORDINATOR_LOAD_IN_PROGRESS, "all versions", _R),
    _rewritten(13, "LeaveGroup", (0, 5), COORDINATOR_LOAD_IN_PROGRESS, "all versions"),
    _rewritten(14, "SyncGroup", (0, 5), COORDINATOR_LOAD_IN_PROGRESS, "all versions", _R),
    _rewritten(15, "DescribeGroups", (0, 6), COORDINATOR_LOAD_IN_PROGRESS, "all versions", _R),
    _rewritten(16, "ListGroups", (0, 5), COORDINATOR_LOAD_IN_PROGRESS,
        "groups of others are left out", _R),
    _answered(17, "SaslHandshake", (0, 1), "the gateway authenticates"),
    _answered(18, "ApiVersions", (0, 4), "one face for all clusters; 5 names a cluster to check"),
    _rewritten(19, "CreateTopics", (2, 7), NOT_CONTROLLER, "all versions", looked_up_from=7),
    _rewritten(20, "DeleteTopics", (1, 6), NOT_CONTROLLER, "all versions", looked_up_from=6),
    _rewritten(21, "DeleteRecords", (0, 2), NOT_LEADER_OR_FOLLOWER, "all versions"),
    _rewritten(22, "InitProducerId", (0, 5), COORDINATOR_LOAD_IN_PROGRESS,
        "producer ids are made unique; 6 is two-phase commit"),
    _refused(23, "OffsetForLeaderEpoch", "leader epochs are never shown"),
    _rewritten(24, "AddPartitionsToTxn", (0, 3), COORDINATOR_LOAD_IN_PROGRESS,
        "4 is between brokers"),
    _rewritten(25, "AddOffsetsToTxn", (0, 4), COORDINATOR_LOAD_IN_PROGRESS, "all versions"),
    _rewritten(26, "EndTxn", (0, 4), COORDINATOR_LOAD_IN_PROGRESS,
        "5 needs the feature transaction.version, and no features are shown"),
    _denied(27, "WriteTxnMarkers", (1, 2), _OPERATED),
    _rewritten(28, "TxnOffsetCommit", (0, 4), COORDINATOR_LOAD_IN_PROGRESS,
        "5 needs the feature transaction.version, and no features are shown"),
    _denied(29, "DescribeAcls", (1, 3), _ACCESS),
    _denied(30, "CreateAcls", (1, 3), _ACCESS),
    _denied(31, "DeleteAcls", (1, 3), _ACCESS),
    _rewritten(32, "DescribeConfigs", (1, 4), REQUEST_TIMED_OUT, "of topics and groups", _R),
    _rewritten(33, "AlterConfigs", (0, 2), NOT_CONTROLLER, "of topics and groups"),
    _denied(34, "AlterReplicaLogDirs", (1, 2), _OPERATED),
    _rewritten(35, "DescribeLogDirs", (1, 5), REQUEST_TIMED_OUT,
        "sizes of own topics; directories have other names, disks no size", _R),
    _answered(36, "SaslAuthenticate", (0, 2), "the gateway authenticates"),
    _rewritten(37, "CreatePartitions", (0, 3), NOT_CONTROLLER, "all versions"),
    _denied(38, "CreateDelegationToken", (1, 3), _TOKENS, DELEGATION_TOKEN_AUTH_DISABLED),
    _denied(39, "RenewDelegationToken", (1, 2), _TOKENS, DELEGATION_TOKEN_AUTH_DISABLED),
    _denied(40, "ExpireDelegationToken", (1, 2), _TOKENS, DELEGATION_TOKEN_AUTH_DISABLED),
    _denied(41, "DescribeDelegationToken", (1, 3), _TOKENS, DELEGATION_TOKEN_AUTH_DISABLED),
    _rewritten(42, "DeleteGroups", (0, 2), COORDINATOR_LOAD_IN_PROGRESS, "all versions"),
    _denied(43, "ElectLeaders", (0, 2), _OPERATED),
    _rewritten(44, "IncrementalAlterConfigs", (0, 1), NOT_CONTROLLER, "of topics and groups"),
    _denied(45, "AlterPartitionReassignments", (0, 1), _OPERATED),
    _denied(46, "ListPartitionReassignments", (0, 0), _OPERATED),
    _rewritten(47, "OffsetDelete", (0, 0), COORDINATOR_LOAD_IN_PROGRESS, "all versions"),
    _denied(48, "DescribeClientQuotas", (0, 1), _QUOTAS),
    _denied(49, "AlterClientQuotas", (0, 1), _QUOTAS),
    _denied(50, "DescribeUserScramCredentials", (0, 0), _ACCOUNTS),
    _denied(51, "AlterUserScramCredentials", (0, 0), _ACCOUNTS),
    _refused(52, "Vote", "between controllers"),
    _refused(53, "BeginQuorumEpoch", "between controllers"),
    _refused(54, "EndQuorumEpoch", "between controllers"),
    _denied(55, "DescribeQuorum", (0, 2), _OPERATED),
    _refused(56, "AlterPartition", "between brokers and controllers"),
    _denied(57, "UpdateFeatures", (0, 2), _OPERATED),
    _refused(58, "Envelope", "between brokers and controllers"),
    _refused(59, "FetchSnapshot", "between controllers"),
    _rewritten(60, "DescribeCluster", (0, 2), REQUEST_TIMED_OUT, "all versions", _R),
    _rewritten(61, "DescribeProducers", (0, 0), NOT_LEADER_OR_FOLLOWER, "all versions", _R),
    _refused(62, "BrokerRegistration", "between brokers and controllers"),
    _refused(63, "BrokerHeartbeat", "between brokers and controllers"),
    _denied(64, "UnregisterBroker", (0, 0), _OPERATED),
    _rewritten(65, "DescribeTransactions", (0, 0), COORDINATOR_LOAD_IN_PROGRESS,
        "all versions", _R),
    _rewritten(66, "ListTransactions", (0, 2), COORDINATOR_LOAD_IN_PROGRESS,
        "those of others are left out", _R),
    _refused(67, "AllocateProducerIds", "between brokers and controllers"),
    _rewritten(68, "ConsumerGroupHeartbeat", (0, 1), COORDINATOR_LOAD_IN_PROGRESS,
        "all versions (KIP-848)", _R, looked_up_from=0),
    _rewritten(69, "ConsumerGroupDescribe", (0, 1), COORDINATOR_LOAD_IN_PROGRESS,
        "all versions (KIP-848)", _R, looked_up_from=0),
    _refused(70, "ControllerRegistration", "between controllers"),
    _refused(71, "GetTelemetrySubscriptions", "a subscription belongs to one physical cluster"),
    _refused(72, "PushTelemetry", "a subscription belongs to one physical cluster"),
    _refused(73, "AssignReplicasToDirs", "between brokers and controllers"),
    _denied(74, "ListConfigResources", (0, 1), _OPERATED),
    _rewritten(75, "DescribeTopicPartitions", (0, 0), REQUEST_TIMED_OUT, "all versions", _R),
    _refused(76, "ShareGroupHeartbeat", "share groups are not served"),
    _refused(77, "ShareGroupDescribe", "share groups are not served"),
    _refused(78, "ShareFetch", "share groups are not served"),
    _refused(79, "ShareAcknowledge", "share groups are not served"),
    _denied(80, "AddRaftVoter", (0, 1), _OPERATED),
    _denied(81, "RemoveRaftVoter", (0, 0), _OPERATED),
    _refused(82, "UpdateRaftVoter", "between controllers"),
    _refused(83, "InitializeShareGroupState", "between brokers"),
    _refused(84, "ReadShareGroupState", "between brokers"),
    _refused(85, "WriteShareGroupState", "between brokers"),
    _refused(86, "DeleteShareGroupState", "between brokers"),
    _refused(87, "ReadShareGroupStateSummary", "between brokers"),
    _refused(88, "StreamsGroupHeartbeat", "streams groups are not served"),
    _refused(89, "StreamsGroupDescribe", "streams groups are not served"),
    _refused(90, "DescribeShareGroupOffsets", "share groups are not served"),
    _refused(91, "AlterShareGroupOffsets", "share groups are not served"),
    _refused(92, "DeleteShareGroupOffsets", "share groups are not served"),
)  # fmt: skip

APIS: Final = {row.key: row for row in _TABLE}
"""Every API that Kafka's schema knows, by key."""


def treatment(api_key: int, version: int) -> Treatment:
    """What happens to a request of this API and version; REFUSE for all that is not known."""
    row = APIS.get(api_key)
    return row.treatment if row is not None and row.serves(version) else Treatment.REFUSE


def offered_versions(face: Face) -> dict[int, tuple[int, int]]:
    """API key to lowest and highest version shown to clients, the same on every cluster."""
    offered = {}
    for row in _TABLE:
        if row.treatment in {Treatment.ANSWER, Treatment.DENY}:
            offered[row.key] = (row.lowest, row.highest)
        elif row.treatment is Treatment.REWRITE and row.key in face.api_versions:
            low, high = face.api_versions[row.key]
            low, high = max(low, row.lowest), min(high, row.highest)
            if low <= high:
                offered[row.key] = (low, high)
    return offered
