"""What can happen to a switch, in the order of its life; `seq` of the first is its term."""

from datetime import datetime
from typing import ClassVar, Literal, TypeAlias

import msgspec

from contract.numbering import Numbering
from contract.records import Identity, Writer
from contract.session import Unrest
from controlplane.domain.completeness import Hole
from controlplane.domain.event import Event
from controlplane.domain.numbering.deciding import Renumbered
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.parity.made import Parity
from controlplane.domain.positions import Remark
from controlplane.domain.replica import Loss
from controlplane.domain.switch.proved import Proved

Ends: TypeAlias = tuple[tuple[str, int], ...]
"""Partitions (`topic-n`) and their end offsets, in order."""
Mode: TypeAlias = Literal["planned", "forced"]
"""`planned`: commit only once the target provably holds everything. `forced`: do not look."""


class SwitchEvent(Event, frozen=True):
    """An event of one switch."""

    SUBJECT: ClassVar = "switch/{switch_id}"

    switch_id: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at before the fence."""

    name: str
    passed: bool
    detail: str


class SwitchRequested(SwitchEvent, frozen=True, tag="switch.requested"):
    """Somebody asked for it. The event's `seq` is the switch's term."""

    scope: str
    from_cluster: str
    to_cluster: str
    mode: Mode
    expected_epoch: int
    budget_s: float
    """Seconds from the request after which an uncommitted switch aborts by itself."""
    mirror_budget_s: float
    """Seconds that the mirror gets to catch up, before the fence and again after it."""
    quiesce_budget_s: float = 0.0
    """Seconds that consumer groups and transactions get to come to rest; 0: they are not asked."""
    accepts_loss: bool = False
    """Whether records that only one cluster holds may stay behind."""
    waived: tuple[str, ...] = ()
    """Names of differences between the clusters with which the switch may go on: `TOPIC:CONFIG`,
    topics, partitions (`topic-n`)."""
    transactions_budget_s: float = 0.0
    """Seconds that transactions which are open get to end, while new ones are held and everything
    else goes on; then `quiesce_budget_s` begins. 0: they get only that."""


class PreflightPassed(SwitchEvent, frozen=True, tag="switch.preflight_passed"):
    """Nothing stands in the way."""

    checks: tuple[Check, ...]


class SwitchRejected(SwitchEvent, frozen=True, tag="switch.rejected"):
    """Something stands in the way; nothing was fenced."""

    checks: tuple[Check, ...]
    cause: str


class MirrorAwaited(SwitchEvent, frozen=True, tag="switch.mirror_awaited"):
    """Still waiting for the target to hold everything, or nearly so before the fence."""

    partitions: int
    behind: int
    """How many of them are waited for."""
    named: tuple[str, ...]
    """The first of those."""


class QuiesceOrdered(SwitchEvent, frozen=True, tag="switch.quiesce_ordered"):
    """Nodes go on serving, and have consumer groups come to rest."""

    ghosts_removed: int = 0
    """Members that groups still had on the target, from before the scope had left it."""


class TransactionsHeld(SwitchEvent, frozen=True, tag="switch.transactions_held"):
    """Groups are at rest, or their time is up: from here on no transaction begins any more.

    Before clients are asked to come to rest, if the request gives open transactions time to end.
    """


class Restless(msgspec.Struct, frozen=True, kw_only=True):
    """A node on which not everything had come to rest when the fence was ordered."""

    node_id: str
    unrest: Unrest | None
    """None: it did not say in time."""


class FenceOrdered(SwitchEvent, frozen=True, tag="switch.fence_ordered"):
    """From here on no node may serve the scope, and no lease is granted below this `seq`."""

    participants: tuple[tuple[str, str], ...]
    """Node id and incarnation of every registered node: all of them must be accounted for."""
    restless: tuple[Restless, ...] = ()
    """What the fence interrupts, because the time for coming to rest was up. Empty: nothing, or
    nobody was asked."""
    cooperative: int = 0
    """Members at rest that keep their partitions until they have joined again."""


class NodeFenced(SwitchEvent, frozen=True, tag="switch.node_fenced"):
    """A node is known not to serve, although it did not say so."""

    node_id: str
    incarnation: str
    evidence: Literal["lease_expired"]


class NodeDrained(SwitchEvent, frozen=True, tag="switch.node_drained"):
    """A node reported that it has nothing in flight and no connection to the old cluster."""

    node_id: str
    incarnation: str
    cut: int
    """Requests that were cut off at the drain deadline: their clients saw a disconnect."""
    held: int
    """Requests that waited on this node when it reported."""


class BarrierReached(SwitchEvent, frozen=True, tag="switch.barrier_reached"):
    """Every participant is accounted for."""

    duration_ms: float
    by_report: int
    by_lease: int


class TransactionsAborted(SwitchEvent, frozen=True, tag="switch.transactions_aborted"):
    """What was still open when its time was up was aborted on the old cluster."""

    transactional_ids: tuple[str, ...]
    """Physical."""
    transactions: tuple[OpenTransaction, ...] = ()
    """The same, each with its producer, and how long it had been open."""


class IdentitiesRecorded(SwitchEvent, frozen=True, tag="switch.identities_recorded"):
    """Who transactional producers are in an epoch of the scope, as control records hold it."""

    scope: str
    epoch: int
    part: int
    identities: tuple[Identity, ...]
    """Empty: the part is not needed any more."""


class SourceFrozen(SwitchEvent, frozen=True, tag="switch.source_frozen"):
    """The old cluster stands still."""

    offsets_digest: str
    window_ms: float
    """How long the end offsets were seen not to move."""
    tombstones: tuple[tuple[str, int], ...] = ()
    """Partitions in which so many keys were deleted once more, which compaction had cleaned away on
    the old cluster before the mirror had heard that they are deleted."""


class BypassDetected(SwitchEvent, frozen=True, tag="switch.bypass_detected"):
    """Somebody still writes to the old cluster, past the gateway."""

    partitions: tuple[str, ...]


class CaughtUp(SwitchEvent, frozen=True, tag="switch.caught_up"):
    """The target holds everything that the old cluster holds."""

    partitions: int
    offsets_digest: str
    compared: tuple[tuple[str, int], ...] = ()
    """How many of a partition's last records were found there one by one. Partitions that did not
    move since both were looked at before are not among them, nor are all others if they are many:
    then those are, of which most was found."""
    holes: tuple[Hole, ...] = ()
    """But for these, which whoever asked for the switch has accepted."""
    waived: tuple[str, ...] = ()
    """And but for these partitions, of which that was not proved, and did not have to be."""
    comparing_ms: float = 0.0
    """How long comparing records took, once both clusters ended with the same one."""
    proved: Proved | None = None
    """How many partitions were proved by which means; None of an older release."""


class LossRecorded(SwitchEvent, frozen=True, tag="switch.loss_recorded"):
    """What a forced switch gives up, as far as it is known."""

    seen_at: datetime | None
    """When the old cluster last answered; None if it never did while anybody watched."""
    losses: tuple[Loss, ...]
    """Of the partitions that lack something, or may."""
    partitions: int
    """How many were looked at."""


class LagWaived(SwitchEvent, frozen=True, tag="switch.lag_waived"):
    """The request said not to wait for the target to hold everything."""


class CutRecorded(SwitchEvent, frozen=True, tag="switch.cut_recorded"):
    """Where both clusters ended when the target held everything and nothing moved.

    What stands on the target from these offsets on was written there after the commit: the mirror
    of the other direction has to begin exactly here.
    """

    source_ends: Ends
    target_ends: Ends


class ProducersRecorded(SwitchEvent, frozen=True, tag="switch.producers_recorded"):
    """How far idempotent producers had written a topic: what they repeat is not written again."""

    scope: str
    physical: str
    recorded_at: int
    """Epoch milliseconds."""
    writers: tuple[Writer, ...]


class PositionsTranslated(SwitchEvent, frozen=True, tag="switch.positions_translated"):
    """Every group goes on at the target where it stopped; what is not exactly so is remarked."""

    groups: int
    positions: int
    """Partitions of all groups together."""
    by_method: dict[str, int]
    """How many positions were found how: see `domain.positions.Method`."""
    remarks: tuple[Remark, ...]
    remarks_left_out: int
    """Further ones, for which there is no room here."""
    digest: str
    """Of all positions, before and after, and of what was recorded of producers, transactional ones
    included, and of what was done to the target's topics."""
    duration_ms: float
    parity: Parity | None = None
    """What was done to the target's topics and groups; None of an older release."""


class OffsetsNumbered(SwitchEvent, frozen=True, tag="switch.offsets_numbered"):
    """How a topic's offsets are shown to clients once this switch is committed, and until then."""

    scope: str
    physical: str
    epoch: int
    """The one that the commit makes."""
    partitions: tuple[Numbering, ...]
    """None: every number is the target's own offset."""
    before: tuple[Numbering, ...]
    renumbered: tuple[Renumbered, ...] = ()
    """Partitions whose two logs differ in their numbers, so that a new numbering begins."""


class TopicIdsRecorded(SwitchEvent, frozen=True, tag="switch.topic_ids_recorded"):
    """Which topics clients know by another id than the target does, once this is committed."""

    scope: str
    epoch: int
    """The one that the commit makes."""
    pairs: bytes
    """See `contract.records.TopicIds`."""


class NumberingDecided(SwitchEvent, frozen=True, tag="switch.numbering_decided"):
    """All topics were looked at; those without an event of their own are shown as they are."""

    partitions: int
    renumbered: int
    digest: str
    """Of all that was decided."""


class SwitchCommitted(SwitchEvent, frozen=True, tag="switch.committed"):
    """The point of no return: the scope is served by the target, in a new epoch."""

    epoch: int


class NodeResumed(SwitchEvent, frozen=True, tag="switch.node_resumed"):
    """A node serves the new epoch."""

    node_id: str
    incarnation: str
    first_ack_ms: float | None = None


class MembersReturned(SwitchEvent, frozen=True, tag="switch.members_returned"):
    """Cooperative members have joined on the target, or their time is up: consumers get records."""

    missing: int
    """Those that had not."""


class SwitchCompleted(SwitchEvent, frozen=True, tag="switch.completed"):
    """Every node that is alive serves the new epoch."""

    fenced_ms: float
    """From the fence to the commit."""
    total_ms: float
    not_resumed: tuple[str, ...] = ()
    """Nodes that did not come back within the switch's budget."""


class AbortRequested(SwitchEvent, frozen=True, tag="switch.abort_requested"):
    """The switch is to be undone: by a person, a failed check or the deadline."""

    at_phase: str
    cause: str


class SwitchAborted(SwitchEvent, frozen=True, tag="switch.aborted"):
    """The scope is served by the old cluster, in the epoch that it had."""

    cause: str
