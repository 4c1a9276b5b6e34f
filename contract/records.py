"""Control records: per key the full current state, with the `seq` of the event that made it.

A record is what the control topic carries and what nodes get over HTTP. `state` is null when the
thing is gone; such a record still has its `seq`, so that a late older one cannot bring it back.
"""

from typing import Literal, TypeAlias

import msgspec

from contract.numbering import Numbering
from contract.policy import Limits, Policy
from contract.scram import ScramMechanism, ScramVerifier

RECORD_VERSION = 1
"""Version of the record's layout. A node that reads a newer one stops serving (rule N8)."""

READS = ("topic_ids",)
"""Kinds of records that this release reads and some older ones do not: a node says so, and until
all of them have, none is written."""

CONTROL_TOPIC = "__interlock_control"
"""Begins with `__`, because MirrorMaker 2 never mirrors such a name."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True, tag="cluster"):
    """A physical cluster, as the control plane saw it. How to connect is each process's config."""

    name: str
    index: int
    """0-based, in order of first appearance, never given out again: makes producer ids unique."""
    role: Literal["upstream", "failover"]
    cluster_id: str
    """What the cluster calls itself."""
    brokers: tuple[int, ...]
    """Broker ids, ascending: slot n of the face is served by broker n, modulo their number."""


class Face(msgspec.Struct, frozen=True, kw_only=True, tag="face"):
    """What every client sees and what no switch changes; decided once all clusters were seen."""

    slots: int
    """How many brokers clients see: virtual node ids 0 to slots-1, one port each."""
    api_versions: dict[int, tuple[int, int]]
    """API key to lowest and highest version that every configured cluster offers."""


class Routing(msgspec.Struct, frozen=True, kw_only=True, tag="routing"):
    """Where the virtual clusters of a scope are served. One record, so a change is atomic."""

    scope: str
    """The name that virtual clusters are bound to: a cluster id of `clusters.yaml`, as `main`."""
    cluster: str
    """The physical cluster that serves the scope."""
    epoch: int
    """Grows by one with every committed switch."""
    state: Literal["serving", "quiescing", "fenced"]
    """`quiescing`: serving as ever, while consumer groups and transactions come to rest before a
    fence. A node of an older release cannot read it, and stops."""
    holds_transactions: bool = False
    """Whether what would begin a transaction has to wait: of a scope that is quiescing, or that
    serves as ever while open transactions get time to end before that. Of older releases, one lets
    it wait from when the scope is quiescing, and others only while it is."""
    withholds_records: bool = False
    """Of a scope that has moved: whether consumers get nothing yet, because members that keep their
    partitions while they join would read on from where they were. Such a member's Fetch and its
    JoinGroup may come to different nodes, so no node knows by itself when all are back."""
    term: int
    """`seq` of the newest switch request: the fencing token. 0 before the first."""
    switch_id: str | None = None
    """The switch that fenced the scope, or that made the present epoch."""


class VirtualCluster(msgspec.Struct, frozen=True, kw_only=True, tag="vcluster"):
    """A tenant: sees only names that begin with its own."""

    name: str
    scope: str
    cluster_id: str
    """The Kafka cluster id that its clients see, for ever."""
    policy: Policy = msgspec.field(default_factory=Policy)


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True, tag="account"):
    """A user of a virtual cluster. Tokens are not stored: their signature is the proof."""

    vcluster: str
    name: str
    revoked_at: int | None = None
    """Epoch seconds. Tokens issued up to then (claim `iat`), or without `iat`, are refused."""
    read_only: bool = False
    """It may consume and commit, but change nothing else."""
    limits: Limits = Limits()
    """Its own; where they say nothing, those of the virtual cluster's policy hold."""
    external_names: tuple[str, ...] = ()
    """Who it is elsewhere: subjects of OAuth tokens, names in certificates. No two accounts of any
    virtual clusters share one."""
    scram: dict[ScramMechanism, ScramVerifier] = {}
    """What proves that a client knows the account's password; empty if that is sealed."""
    sealed_scram: bytes = b""
    """The same, sealed (`contract.sealing`); empty: it is not sealed, or there is no password. A
    node of an older release takes the account for one without a password."""


class TopicMapping(msgspec.Struct, frozen=True, kw_only=True, tag="topic"):
    """A logical topic of a virtual cluster and the physical topic behind it."""

    vcluster: str
    logical: str
    physical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    created_at: int
    """Epoch milliseconds."""
    anew_since: int = 0
    """`seq` at which a topic came to be where one of its name had been: numbers that were recorded
    before are of that one. 0: none had, or it had no numbers of its own."""


class TopicAlias(msgspec.Struct, frozen=True, kw_only=True, tag="alias"):
    """A virtual cluster's own name for a physical topic that does not carry its prefix.

    A record of its own, not a mark on a mapping: a node of an older release cannot read it and
    stops, instead of taking the name for one with the prefix.
    """

    vcluster: str
    logical: str
    physical: str
    read_only: bool
    partitions: int
    """Of the physical topic, when the alias was made; so is `replication_factor`."""
    replication_factor: int
    created_at: int
    """Epoch milliseconds."""


class Writer(msgspec.Struct, frozen=True, array_like=True):
    """How far an idempotent producer had written a partition."""

    partition: int
    producer: int
    """Its id without the generation: see `contract.producer_ids.lineage`."""
    producer_epoch: int
    last_sequence: int
    written_at: int
    """Epoch milliseconds, by the timestamp of its last record."""


class Producers(msgspec.Struct, frozen=True, kw_only=True, tag="producers"):
    """The idempotent producers of a physical topic when a scope was switched away from a cluster.

    What they send again up to there was appended, and needs no writing on the next cluster. A node
    of an older release cannot read it and stops, like one that reads of an alias.
    """

    scope: str
    physical: str
    recorded_at: int
    """Epoch milliseconds."""
    writers: tuple[Writer, ...]


class FirstSequence(msgspec.Struct, frozen=True, array_like=True):
    """Which of a client's sequence numbers is the first of the present epoch in a partition."""

    physical: str
    """The topic."""
    partition: int
    sequence: int
    """To the cluster that serves now it is 0."""


class Identity(msgspec.Struct, frozen=True, array_like=True):
    """A transactional producer as its client knows it, and as the cluster that serves now does."""

    transactional_id: str
    """Physical."""
    held_id: int
    """The producer id that the client was given, and holds on to over switches."""
    held_epoch: int
    real_id: int
    real_epoch: int
    is_aborted: bool = False
    """Its transaction was aborted by a switch: the client has yet to learn of it."""
    firsts: tuple[FirstSequence, ...] = ()
    """Of the partitions that it had written before; in all others its first one is 0."""


class Identities(msgspec.Struct, frozen=True, kw_only=True, tag="identities"):
    """Some of the transactional producers that are older than an epoch of a scope.

    Written before the commit of the switch that makes `epoch`, and of no effect until then. A node
    of an older release cannot read it and stops, as at an alias.
    """

    scope: str
    epoch: int
    part: int
    """Number of the record: all of them together may be too large for one."""
    identities: tuple[Identity, ...]


class Offsets(msgspec.Struct, frozen=True, kw_only=True, tag="offsets"):
    """How a physical topic's offsets are shown, where they are not the cluster's own.

    Written before the commit of the switch that makes `epoch`, and of no effect until then: so it
    holds at the very point of the log at which the scope's cluster is exchanged, and not at all
    after an abort. A node of an older release cannot read it and stops, as at an alias.
    """

    scope: str
    physical: str
    epoch: int
    """The epoch of the scope from which on `partitions` hold; up to then `before` does."""
    partitions: tuple[Numbering, ...]
    """Those whose numbers are not plain; so in `before`."""
    before: tuple[Numbering, ...] = ()

    def at(self, epoch: int) -> tuple[Numbering, ...]:
        """What holds in an epoch of the scope."""
        return self.partitions if epoch >= self.epoch else self.before


class TopicIds(msgspec.Struct, frozen=True, kw_only=True, tag="topic_ids"):
    """Ids of the topics that clients know by another one than the cluster that serves them.

    Written before the commit of the switch that makes `epoch`, and of no effect until then. Filed
    under every other epoch, so that what holds now stays until that commit, and goes with the next
    one. Only written when every node has said that it reads it (`session.NodeReport.reads`).
    """

    scope: str
    epoch: int
    pairs: bytes
    """32 bytes for each topic: the id that it was born with, on whatever cluster that was, and its
    id on the cluster that serves in this epoch."""


class Node(msgspec.Struct, frozen=True, kw_only=True, tag="node"):
    """A gateway node that registered and was not deregistered: a member of every barrier."""

    node_id: str
    incarnation: str
    """A fresh id for every start of the process."""


class Beacon(msgspec.Struct, frozen=True, kw_only=True, tag="beacon"):
    """The publisher's own digest, for nodes to compare theirs with."""

    seq: int
    digest: str
    layout: str = ""
    """`contract.codec.LAYOUT` of the release that worked the digest out; empty: an older one."""
    hash: str = ""
    """The event log's chain at `seq`, in hex: whoever writes that log anew, or cuts it short, does
    not have it there any more. Empty: an older release. Nodes make nothing of it."""
    signature: str = ""
    """Of log, `seq` and `hash`, by who has the key that signs tokens; in hex."""


State: TypeAlias = (
    Cluster
    | Face
    | Routing
    | VirtualCluster
    | ServiceAccount
    | TopicMapping
    | TopicAlias
    | Producers
    | Offsets
    | Identities
    | TopicIds
    | Node
    | Beacon
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One control record."""

    log: str
    """Identity of the event log; a rebuilt log has another, and nodes start over."""
    seq: int
    """The event that made this state."""
    key: str
    state: State | None
    v: int = RECORD_VERSION


def key_of(state: State) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind
    """The key that a state is filed under, in the control topic and everywhere else."""
    match state:
        case Cluster():
            return f"cluster/{state.name}"
        case Face():
            return "face"
        case Routing():
            return f"routing/{state.scope}"
        case VirtualCluster():
            return f"vcluster/{state.name}"
        case ServiceAccount():
            return f"account/{state.vcluster}/{state.name}"
        case TopicMapping():
            return f"topic/{state.vcluster}/{state.logical}"
        case TopicAlias():
            return f"alias/{state.vcluster}/{state.logical}"
        case Producers():
            return f"producers/{state.physical}"
        case Identities():
            return f"identities/{state.scope}/{state.epoch}/{state.part}"
        case Offsets():
            return f"offsets/{state.scope}/{state.physical}"
        case TopicIds():
            return f"topic_ids/{state.scope}/{state.epoch % 2}"
        case Node():
            return f"node/{state.node_id}"
        case Beacon():
            return "beacon"
