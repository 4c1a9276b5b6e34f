"""Bodies of `/api/v1`, and how they are made from what is known."""

from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec

from contract.policy import Limits
from contract.records import ServiceAccount
from controlplane.domain.event import Event, Recorded
from controlplane.domain.log import data_of
from controlplane.domain.switch.events import Mode
from controlplane.domain.switch.state import Switch

T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A body that is sent."""


class Question(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A body that is received: what it does not know, it refuses."""


class Items(Answer, Generic[T], frozen=True, kw_only=True, rename="camel"):
    """A list."""

    items: list[T]


class NewVirtualCluster(Question, frozen=True, kw_only=True, rename="camel"):
    """A virtual cluster to create."""

    name: str
    scope: str | None = None
    """What it is switched with; a new name makes a new scope. None: the first one."""


class VirtualClusterView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A virtual cluster."""

    name: str
    scope: str
    cluster_id: str
    topics: int


class AccountView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A service account."""

    vcluster: str
    name: str
    revoked_at: int | None
    read_only: bool
    limits: Limits
    """Its own; where they say nothing, those of the virtual cluster's policy hold."""
    has_password: bool
    external_names: tuple[str, ...]

    @classmethod
    def of(cls, account: ServiceAccount) -> "AccountView":
        """What is shown of an account."""
        return cls(
            vcluster=account.vcluster,
            name=account.name,
            revoked_at=account.revoked_at,
            read_only=account.read_only,
            limits=account.limits,
            has_password=bool(account.scram or account.sealed_scram),
            external_names=account.external_names,
        )


class Restrictions(Question, frozen=True, kw_only=True, rename="camel"):
    """What an account may do, and how much."""

    read_only: bool = False
    limits: Limits = Limits()


class TopicView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A logical topic and the physical one behind it."""

    logical: str
    physical: str
    partitions: int
    replication_factor: int
    configs: dict[str, str]
    created_at: int


class NewToken(Question, frozen=True, kw_only=True, rename="camel"):
    """A token to issue."""

    lifetime_seconds: int


class TokenView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A token. It is shown once and kept nowhere."""

    token: str


class ClusterView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A physical cluster. Its properties are shown without secrets."""

    name: str
    role: str
    properties: dict[str, str]
    reached: bool
    """Whether it was ever reached; what follows is unknown if not."""
    cluster_id: str | None = None
    index: int | None = None
    brokers: tuple[int, ...] = ()
    serves: list[str] = []
    """Scopes that it serves."""


class NodeScope(Answer, frozen=True, kw_only=True, rename="camel"):
    """Where a node stands in one scope."""

    phase: str
    epoch: int
    term: int
    in_flight: int
    held: int


class NodeStatus(Answer, frozen=True, kw_only=True, rename="camel"):
    """A registered node and its newest report."""

    node_id: str
    incarnation: str
    token_id: str | None
    """Of its own token that it showed; null: it showed the one that nodes share."""
    reported_seconds_ago: float | None
    """None if it has not reported since the database started."""
    leased: bool
    """Whether its newest report earned a lease that may still be valid."""
    applied_seq: int | None
    digest: str | None
    in_step: bool
    """Whether it has applied everything that this control plane knows, with the same result."""
    scopes: dict[str, NodeScope]
    trouble: str | None


class SwitchQuestion(Question, frozen=True, kw_only=True, rename="camel"):
    """A switch to plan or to start."""

    to_cluster: str
    scope: str | None = None
    """By default the one that virtual clusters are bound to."""
    mode: Mode = "planned"
    """`planned` commits only what the target provably holds. `forced` does not look."""
    reason: str | None = None
    """Must be given for a forced one, and where anything is waived."""
    accept_loss: bool = False
    """What a forced one must say: what the target does not hold yet, clients lose. In a planned
    one: records that only one of the clusters holds may stay behind."""
    waive: list[str] = []
    """Names of differences between the clusters with which the switch may go on, as a plan tells
    them: `TOPIC:CONFIG`, a topic, or a partition (`topic-n`), of which nothing is proved then: what
    the target lacks of it stays behind."""
    quiesce_budget_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Seconds for groups and transactions to come to rest; by default as configured."""
    transactions_budget_s: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 0.0
    """Seconds that open transactions, as prepared ones of two-phase commits, get to end before
    that, while new ones are held and everything else goes on."""


class AbortQuestion(Question, frozen=True, kw_only=True, rename="camel"):
    """Why a switch is aborted."""

    reason: str


class Evidence(Answer, frozen=True, kw_only=True, rename="camel"):
    """How it is known that a node did not serve any more."""

    node_id: str
    incarnation: str
    evidence: Literal["report", "lease_expired", "none"]
    resumed: bool


class SwitchView(Answer, frozen=True, kw_only=True, rename="camel"):
    """A switch."""

    switch_id: str
    scope: str
    from_cluster: str
    to_cluster: str
    mode: Mode
    phase: str
    term: int
    requested_by: str
    reason: str | None
    requested_at: datetime
    fenced_at: datetime | None
    committed_at: datetime | None
    ended_at: datetime | None
    cause: str | None
    nodes: list[Evidence]


class EventView(Answer, frozen=True, kw_only=True, rename="camel"):
    """An event of the log."""

    seq: int
    recorded_at: datetime
    kind: str
    subject: str
    actor: str
    reason: str | None
    data: dict[str, Any]


class SwitchDetail(Answer, frozen=True, kw_only=True, rename="camel"):
    """A switch with all that happened in it."""

    switch: SwitchView
    events: list[EventView]


def event_view(recorded: Recorded) -> EventView:
    """An event as it is shown."""
    return EventView(
        seq=recorded.seq,
        recorded_at=recorded.recorded_at,
        kind=recorded.event.kind,
        subject=recorded.event.stream,
        actor=recorded.actor,
        reason=recorded.reason,
        data=_data_shown(recorded.event),
    )


def _data_shown(event: Event) -> dict[str, Any]:
    text = data_of(event)
    shown: dict[str, Any] = msgspec.json.decode(text)
    # Nearly no event has any, and a page of a thousand is not to be walked for them.
    has_verifiers = any(name in text for name in _NAMES_OF_VERIFIERS)
    return without_verifiers(shown) if has_verifiers else shown


_NAMES_OF_VERIFIERS: Final = ("stored_key", "server_key", "sealed_scram")


def without_verifiers(shown: Any) -> Any:
    """The same with nothing in it that a password could be guessed against (SCRAM's verifiers)."""
    if isinstance(shown, list | tuple):
        return [without_verifiers(part) for part in shown]
    if not isinstance(shown, dict):
        return shown
    if "stored_key" in shown and "server_key" in shown:
        return {"iterations": shown["iterations"]}
    return {key: without_verifiers(shown[key]) for key in shown if key != "sealed_scram"}


def switch_view(switch: Switch) -> SwitchView:
    """A switch as it is shown."""
    return SwitchView(
        switch_id=switch.switch_id,
        scope=switch.scope,
        from_cluster=switch.from_cluster,
        to_cluster=switch.to_cluster,
        mode=switch.mode,
        phase=switch.phase.value,
        term=switch.term,
        requested_by=switch.actor,
        reason=switch.reason,
        requested_at=switch.requested_at,
        fenced_at=switch.fenced_at,
        committed_at=switch.committed_at,
        ended_at=switch.ended_at,
        cause=switch.cause,
        nodes=[_evidence(switch, *member) for member in switch.participants],
    )


def _evidence(switch: Switch, node_id: str, incarnation: str) -> Evidence:
    member = (node_id, incarnation)
    kind: Literal["report", "lease_expired", "none"] = "none"
    if member in switch.drained:
        kind = "report"
    elif member in switch.lease_expired:
        kind = "lease_expired"
    return Evidence(
        node_id=node_id,
        incarnation=incarnation,
        evidence=kind,
        resumed=node_id in switch.resumed,
    )
