"""Every event about anything but a switch (those stand in `switch/events.py`)."""

from datetime import datetime
from typing import ClassVar, Literal

from contract.policy import Limits, Policy
from contract.records import Record
from contract.scram import ScramMechanism, ScramVerifier
from controlplane.domain.event import Event


class VirtualClusterCreated(Event, frozen=True, tag="vcluster.created"):
    """A tenant exists from here on."""

    SUBJECT: ClassVar = "vcluster/{name}"

    name: str
    scope: str
    cluster_id: str


class VirtualClusterDeleted(Event, frozen=True, tag="vcluster.deleted"):
    """A tenant is gone. Its name stays taken against every name that overlaps with it."""

    SUBJECT: ClassVar = "vcluster/{name}"

    name: str


class PolicySet(Event, frozen=True, tag="vcluster.policy_set"):
    """What a virtual cluster's clients may do from here on; replaces what was set before."""

    SUBJECT: ClassVar = "vcluster/{name}"

    name: str
    policy: Policy


class ServiceAccountCreated(Event, frozen=True, tag="account.created"):
    """A user of a virtual cluster exists."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str


class TokenIssued(Event, frozen=True, tag="account.token_issued"):
    """A token was handed out. The token itself is never recorded."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    token_id: str
    issued_at: int
    """Epoch seconds, as is `expires_at`."""
    expires_at: int


class ScramVerifiersSet(Event, frozen=True, tag="account.password_set"):
    """Clients can log in with a password, of which only verifiers were ever recorded."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    verifiers: dict[ScramMechanism, ScramVerifier]


class ScramVerifiersSealed(Event, frozen=True, tag="account.password_sealed"):
    """The same, but only who has a key can read the verifiers; the password may be the old one."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    sealed_scram: bytes
    """See `contract.sealing`."""


class ExternalNamesSet(Event, frozen=True, tag="account.external_names_set"):
    """Who the account is elsewhere, from here on."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    external_names: tuple[str, ...]


class ServiceAccountRevoked(Event, frozen=True, tag="account.revoked"):
    """Every token issued up to then is void; so are the password and the external names."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    revoked_at: int
    """Epoch seconds."""


class ServiceAccountRestricted(Event, frozen=True, tag="account.restricted"):
    """What an account may do, and how much, from here on; replaces what was set before."""

    SUBJECT: ClassVar = "account/{vcluster}/{name}"

    vcluster: str
    name: str
    read_only: bool
    limits: Limits


class ClusterDescribed(Event, frozen=True, tag="cluster.described"):
    """A physical cluster was reached and is new, or is not as it was."""

    SUBJECT: ClassVar = "cluster/{name}"

    name: str
    index: int
    role: Literal["upstream", "failover"]
    cluster_id: str
    brokers: tuple[int, ...]
    api_versions: dict[int, tuple[int, int]]
    """API key to the versions that all its brokers offer."""


class FaceDecided(Event, frozen=True, tag="face.decided"):
    """All configured clusters were described: what clients see is fixed."""

    SUBJECT: ClassVar = "face"

    slots: int
    api_versions: dict[int, tuple[int, int]]


class ScopeOpened(Event, frozen=True, tag="scope.opened"):
    """A scope is served for the first time, by the cluster of its own name."""

    SUBJECT: ClassVar = "scope/{scope}"

    scope: str
    cluster: str


class ScopeAdded(Event, frozen=True, tag="scope.added"):
    """There is one more scope: it is switched by itself, and begins where another is served."""

    SUBJECT: ClassVar = "scope/{scope}"

    scope: str
    cluster: str


class TopicMapped(Event, frozen=True, tag="topic.mapped"):
    """A logical topic has a physical one behind it."""

    SUBJECT: ClassVar = "topic/{vcluster}/{logical}"

    vcluster: str
    logical: str
    physical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    anew: bool = False
    """Whether one of this name is gone whose offsets had other numbers: they are not this one's."""


class TopicUnmapped(Event, frozen=True, tag="topic.unmapped"):
    """A logical topic is gone."""

    SUBJECT: ClassVar = "topic/{vcluster}/{logical}"

    vcluster: str
    logical: str
    at: datetime | None = None
    """When its cluster said so to a node; None: nobody saw that, or a node of an older release."""


class TopicAliased(Event, frozen=True, tag="topic.aliased"):
    """A virtual cluster sees a physical topic under a name of its own."""

    SUBJECT: ClassVar = "topic/{vcluster}/{logical}"

    vcluster: str
    logical: str
    physical: str
    read_only: bool
    partitions: int
    replication_factor: int


class TopicUnaliased(Event, frozen=True, tag="topic.unaliased"):
    """It does not see it any more; the topic itself is as it was."""

    SUBJECT: ClassVar = "topic/{vcluster}/{logical}"

    vcluster: str
    logical: str


class TopicGranted(Event, frozen=True, tag="topic.granted"):
    """A virtual cluster may have an alias for another's topic."""

    SUBJECT: ClassVar = "topic/{owner}/{logical}"

    owner: str
    logical: str
    grantee: str
    access: Literal["read", "write"]


class TopicGrantRevoked(Event, frozen=True, tag="topic.grant_revoked"):
    """It may not have one any more."""

    SUBJECT: ClassVar = "topic/{owner}/{logical}"

    owner: str
    logical: str
    grantee: str


class NodeRegistered(Event, frozen=True, tag="node.registered"):
    """A node process takes part in every barrier from here on."""

    SUBJECT: ClassVar = "node/{node_id}"

    node_id: str
    incarnation: str
    token_id: str | None = None
    """Of the node's own token that it showed; None: it showed the one that nodes share."""


class NodeTokenIssued(Event, frozen=True, tag="node.token_issued"):
    """A token was handed out that speaks for one node. The token itself is never recorded.

    Its subject is not the node: whether that is registered is told by the newest event of its own.
    """

    SUBJECT: ClassVar = "node-token/{node_id}"

    node_id: str
    token_id: str
    digest: str
    """SHA-256 of the token, in hex."""


class NodeTokenRevoked(Event, frozen=True, tag="node.token_revoked"):
    """The token is void."""

    SUBJECT: ClassVar = "node-token/{node_id}"

    node_id: str
    token_id: str


class NodeDeregistered(Event, frozen=True, tag="node.deregistered"):
    """A node left in good order, or an operator vouched that it is gone."""

    SUBJECT: ClassVar = "node/{node_id}"

    node_id: str
    incarnation: str
    cause: Literal["left", "forgotten"]


class AccessEvent(Event, frozen=True):
    """Somebody came to the administration.

    All have one subject: names that somebody only guessed are not kept apart for ever.
    """

    SUBJECT: ClassVar = "access"

    times: int
    """How often, since it was told last."""


class UserAccessEvent(AccessEvent, frozen=True):
    """Under a name, from somewhere."""

    username: str
    """As it was given."""
    address: str
    """Of the network; empty if it is not known."""


class LoginSucceeded(UserAccessEvent, frozen=True, tag="access.login_succeeded"):
    """Somebody began a session of the console."""


class LoginFailed(UserAccessEvent, frozen=True, tag="access.login_failed"):
    """Somebody showed a wrong password, or the name of nobody."""


class AccessDenied(UserAccessEvent, frozen=True, tag="access.denied"):
    """Somebody asked for what their role does not cover."""

    needed: str
    """The role that it takes."""


class AccessesUncounted(AccessEvent, frozen=True, tag="access.uncounted"):
    """There were more different ones than are told apart."""


class RebuildRequested(Event, frozen=True, tag="control_topic.rebuild_requested"):
    """The control topic is to be written anew from the log."""

    SUBJECT: ClassVar = "control_topic"


class LogReconciled(Event, frozen=True, tag="log.reconciled"):
    """The log had lost its tail, or was another: what was broadcast is what it says from here on.

    Its number is beyond every number that was ever given out; those between are the lost events'.
    """

    SUBJECT: ClassVar = "log"

    log: str
    """Identity of the log that was broadcast, which this one goes on as."""
    lost_from: int
    """The first number of which the log knows nothing."""
    through_seq: int
    """The last one; the event itself has the next."""
    digest: str
    """Of the control state that the records add up to."""
    records: tuple[Record, ...]
    """The whole control state, deletions included, each with the `seq` it was broadcast with."""
