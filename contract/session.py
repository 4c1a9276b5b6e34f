"""What a node tells the control plane each heartbeat, and its answer: the lease over HTTP."""

from typing import Literal, TypeAlias

import msgspec

from contract.records import Record

Phase: TypeAlias = Literal["replaying", "fenced", "serving", "draining", "drained", "self_fenced"]
"""Where a node stands in one scope."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `PUT /internal/v1/nodes/{node_id}`."""

    incarnation: str
    """A fresh id for every start of the process."""


NAMED = 20
"""So many of those that are restless are named in a report; the rest are counted."""


class Unrest(msgspec.Struct, frozen=True, kw_only=True):
    """What has not come to rest on a node whose scope is quiescing; all zero: the node is quiet."""

    members: int = 0
    """Members of consumer groups that have neither left nor asked to join again."""
    member_names: tuple[str, ...] = ()
    """The first of them: physical group, a space, member id."""
    cooperative: int = 0
    """Members that have asked to join again, and keep their partitions until they have joined."""
    transactions: int = 0
    """Transactions that were begun and have not ended."""
    transaction_names: tuple[str, ...] = ()
    """The first of their physical transactional ids."""
    topics: int = 0
    """Requests that change topics and are not answered, and changes that nobody was told of."""

    @property
    def is_over(self) -> bool:
        """Whether the node is quiet."""
        return not self.members and not self.transactions and not self.topics


class ScopeReport(msgspec.Struct, frozen=True, kw_only=True):
    """One scope, as the node stands in it."""

    phase: Phase
    epoch: int
    term: int
    """The term of the routing record that the phase is about."""
    in_flight: int
    """Requests that were sent to the scope's cluster and are not answered."""
    held: int
    """Requests that wait for the scope to be served again."""
    cut: int = 0
    """Requests whose connection was cut at the drain deadline, this term."""
    first_ack_ms: float | None = None
    """Milliseconds from the release to the first write that the new cluster acknowledged."""
    unrest: Unrest | None = None
    """None unless the scope is quiescing, as far as the node knows."""
    returning: int = 0
    """Cooperative members that waited for the scope to move, and have not joined again yet."""


class NodeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /internal/v1/nodes/{node_id}/session`, sent each heartbeat and each change."""

    incarnation: str
    applied_seq: int
    """Every record up to this `seq` has been applied."""
    digest: str
    scopes: dict[str, ScopeReport]
    log: str | None = None
    """Identity of the log that it follows; None: a node of an older release, or it knows none."""
    layout: str = ""
    """`contract.codec.LAYOUT` of the node; empty: an older release."""
    contradiction: str | None = None
    """What a channel last said against what was applied, and was refused; None: nothing."""
    unreadable: str | None = None
    """Why a control record could not be read (rule N8); the node stays fenced."""
    sealing_keys: tuple[str, ...] = ()
    """What the keys are called with which the node opens what is sealed."""
    reads: tuple[str, ...] = ()
    """Kinds of records that it reads, of those that older releases do not (`records.READS`)."""
    leaving: bool = False
    """The node is shutting down: it holds no upstream connection and gives its lease back."""


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A lease, or the reason why there is none. Either way with the records the node lacks."""

    granted: bool
    lease_s: float
    """Seconds, counted from when the node sent the request (rule N4)."""
    head_seq: int
    records: tuple[Record, ...]
    refusal: str | None = None
    log: str | None = None
    """Identity of the log; None: a control plane of an older release."""


class RecordsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /internal/v1/control/records?after=N&wait=S`: the newer records, oldest first.

    With `after=0` this is the snapshot. With `wait` the answer comes as soon as there is a newer
    record, or empty after that many seconds.
    """

    log: str
    head_seq: int
    """Newest event of the log; the records up to it that still count are all in this answer."""
    records: tuple[Record, ...]


class TopicCreated(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /internal/v1/nodes/{node_id}/topics`: a client created a topic here."""

    vcluster: str
    logical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]


class TopicDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `DELETE /internal/v1/nodes/{node_id}/topics`: a client deleted a topic here."""

    vcluster: str
    logical: str


class TopicChange(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two: a topic that a client created or changed, or one that it deleted."""

    created: TopicCreated | None = None
    deleted: TopicDeleted | None = None
    ago_s: float = 0.0
    """Seconds from the cluster's answer until this was sent; 0: an older release does not say."""

    @classmethod
    def of(cls, change: TopicCreated | TopicDeleted, ago_s: float) -> "TopicChange":
        """The change in its place, and how long ago it was."""
        if isinstance(change, TopicCreated):
            return cls(created=change, ago_s=ago_s)
        return cls(deleted=change, ago_s=ago_s)


class TopicChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /internal/v1/nodes/{node_id}/topic-changes`: what clients did, in its order."""

    changes: tuple[TopicChange, ...]
    call_id: str = ""
    """The same however often it is sent, as long as no answer comes; empty: an older release."""
