"""What can be asked for, apart from switches. `decide` turns a command into events or a refusal."""

from datetime import datetime
from typing import Literal

import msgspec

from contract.policy import Limits, Policy
from contract.scram import ScramMechanism, ScramVerifier


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody asks for."""


class CreateVirtualCluster(Command, frozen=True, kw_only=True):
    """Make room for a tenant."""

    name: str
    scope: str
    """What it is switched with."""
    beside: str
    """The scope whose cluster serves its own at first, if there is none of that name yet."""
    cluster_id: str
    """A fresh Kafka cluster id for its clients to see."""


class DeleteVirtualCluster(Command, frozen=True, kw_only=True):
    """Remove a tenant that has no topics left, and revoke its accounts."""

    name: str
    now: int
    """Epoch seconds."""


class IssueToken(Command, frozen=True, kw_only=True):
    """Note that a token is handed out; creates virtual cluster and account where missing."""

    vcluster: str
    name: str
    token_id: str
    issued_at: int
    lifetime_s: int
    scope: str
    cluster_id: str
    """For the virtual cluster, if it has to be created."""


class RevokeAccount(Command, frozen=True, kw_only=True):
    """Void every token of an account."""

    vcluster: str
    name: str
    now: int
    """Epoch seconds."""


class SetPolicy(Command, frozen=True, kw_only=True):
    """Lay down what a virtual cluster's clients may do."""

    name: str
    policy: Policy


class RestrictAccount(Command, frozen=True, kw_only=True):
    """Lay down what an account may do; creates it where it is missing."""

    vcluster: str
    name: str
    read_only: bool
    limits: Limits


class SetScramVerifiers(Command, frozen=True, kw_only=True):
    """Let clients log in to an account with a password; creates the account where missing."""

    vcluster: str
    name: str
    verifiers: dict[ScramMechanism, ScramVerifier]
    """Empty if they are sealed."""
    sealed: bytes = b""
    """Empty if they are not."""


class SetExternalNames(Command, frozen=True, kw_only=True):
    """Say who an account is elsewhere; creates it where missing."""

    vcluster: str
    name: str
    external_names: tuple[str, ...]


class DescribeCluster(Command, frozen=True, kw_only=True):
    """Take note of what a physical cluster looks like."""

    name: str
    role: Literal["upstream", "failover"]
    cluster_id: str
    brokers: tuple[int, ...]
    api_versions: dict[int, tuple[int, int]]


class DecideFace(Command, frozen=True, kw_only=True):
    """Fix what clients see, if every configured cluster was described and it is not fixed yet."""

    clusters: tuple[str, ...]
    """The configured clusters."""
    scope: str


class MapTopic(Command, frozen=True, kw_only=True):
    """Note a topic that a client created."""

    vcluster: str
    logical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    at: datetime | None = None
    """When the cluster said so, by the clock of the log; None: that is not known."""


class UnmapTopic(Command, frozen=True, kw_only=True):
    """Note that a client deleted a topic."""

    vcluster: str
    logical: str
    at: datetime | None = None
    """When the cluster said so, by the clock of the log; None: that is not known."""


class FoundTopic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic that was found on the cluster that serves its virtual cluster."""

    logical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    """Those that were set for the topic."""
    version: int | None = None
    """How many events there were of it before the cluster was asked; None: however many."""


class AdoptTopics(Command, frozen=True, kw_only=True):
    """Note topics of a virtual cluster that were found."""

    vcluster: str
    topics: tuple[FoundTopic, ...]
    to_create: tuple[str, str] | None = None
    """Scope and a fresh cluster id, for a virtual cluster that is not there yet."""


class NoteGoneTopics(Command, frozen=True, kw_only=True):
    """Note topics that were not found any more on the cluster that serves."""

    topics: tuple[tuple[str, str, int], ...]
    """Virtual cluster, logical name, and how many events there were of the topic before."""


class UnmapAllTopics(Command, frozen=True, kw_only=True):
    """Forget every topic of a virtual cluster."""

    vcluster: str


class AliasTopic(Command, frozen=True, kw_only=True):
    """Let a virtual cluster see a physical topic under a name of its own."""

    vcluster: str
    logical: str
    physical: str
    read_only: bool
    partitions: int
    """As the cluster says; so is `replication_factor`."""
    replication_factor: int


class UnaliasTopic(Command, frozen=True, kw_only=True):
    """Let it see it no more."""

    vcluster: str
    logical: str


class GrantTopic(Command, frozen=True, kw_only=True):
    """Let another virtual cluster have an alias for a topic."""

    owner: str
    logical: str
    grantee: str
    access: Literal["read", "write"]


class RevokeGrant(Command, frozen=True, kw_only=True):
    """Let it have none any more; what aliases it has go."""

    owner: str
    logical: str
    grantee: str


class RegisterNode(Command, frozen=True, kw_only=True):
    """Take a node process into every barrier."""

    node_id: str
    incarnation: str
    token_id: str | None = None
    """Of the node's own token that it shows; None: it shows the one that nodes share."""
    other_lives: bool = False
    """Whether another process of that id has reported within a lease's time."""


class IssueNodeToken(Command, frozen=True, kw_only=True):
    """Hand out a token that speaks for one node."""

    node_id: str
    token_id: str
    digest: str


class RevokeNodeTokens(Command, frozen=True, kw_only=True):
    """Void a token of a node, or all of them."""

    node_id: str
    token_id: str | None = None
    """None: all."""


class DeregisterNode(Command, frozen=True, kw_only=True):
    """Let a node go. Whoever asks has made sure that it holds no lease."""

    node_id: str
    cause: Literal["left", "forgotten"]
    incarnation: str | None = None
    """Only if it is still this process; None for whichever is registered."""


class RebuildControlTopic(Command, frozen=True, kw_only=True):
    """Have the control topic written anew."""
