"""All that a coordinator knows about one switch at one moment, as values."""

from datetime import datetime

import msgspec

from contract.records import Identities, Offsets, Producers, TopicIds
from contract.session import ScopeReport
from controlplane.domain.completeness import Hole
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.parity.made import Parity
from controlplane.domain.positions import Remark
from controlplane.domain.replica import Loss
from controlplane.domain.switch.events import Check
from controlplane.domain.switch.proved import Proved
from controlplane.domain.switch.state import Cut, Switch
from controlplane.domain.unreadable import Unreadable


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds."""

    lease_s: float = 5.0
    drift: float = 1.01
    """How much faster than ours a node's clock may run."""
    margin_s: float = 1.0
    """On top of a lease, before it counts as expired."""
    still_s: float = 0.1
    """How long the old cluster must stand still when every node said that it is drained."""
    still_after_expiry_s: float = 1.0
    """The same when a node's silence was waited out, or requests were cut off: last bytes may still
    land."""
    settle_s: float = 5.0
    """How long the old cluster may go on moving after the barrier."""
    progress_s: float = 1.5
    """How often whoever watches is told what of the mirror is waited for."""

    @property
    def expiry_s(self) -> float:
        """After this long without a grant no lease is valid on any node."""
        return self.lease_s * self.drift + self.margin_s


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A registered node and its newest report on the switch's scope."""

    node_id: str
    incarnation: str
    alive: bool
    """It has reported within a lease's time."""
    reported_incarnation: str | None = None
    applied_seq: int = 0
    report: ScopeReport | None = None


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """What was found before the fence."""

    checks: tuple[Check, ...]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """The old cluster's end offsets at one moment."""

    at: float
    """Monotonic seconds at which the sweep began."""
    ends: tuple[tuple[str, int], ...]
    """Partition (`topic-n`) and its end offset, in order."""


class MirrorState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the target is behind."""

    at: float
    """Monotonic seconds at which looking began."""
    partitions: int
    behind: tuple[str, ...]
    """Partitions whose last record is not the same on both sides, that have a hole, cannot be read,
    or are gone."""
    far_behind: tuple[str, ...]
    """Those that lack more than a moment's worth, do not exist on the target, have a hole, cannot
    be read, or are gone: no waiting behind a fence helps."""
    young: tuple[str, ...] = ()
    """Those of them that were not so some seconds ago, as topics that were just made are."""
    holes: tuple[Hole, ...] = ()
    """What the mirror left out."""
    unreadable: tuple[Unreadable, ...] = ()
    """What could not be read, on either cluster: nothing is proved of these partitions."""
    gone: tuple[str, ...] = ()
    """Partitions that the log knows and the old cluster does not tell of, which are far behind for
    as long as nobody has noted that they are gone: it may just not know of all."""
    waived: tuple[str, ...] = ()
    """Partitions of which nothing is proved, and nothing has to be: whoever asked for the switch
    has said so by name."""
    compared: tuple[tuple[str, int], ...] = ()
    """How many of each partition's last records were found on the target one by one."""
    proved: Proved | None = None
    """By which means; None unless it was."""
    comparing_ms: float = 0.0
    """How long that took, once both ended with the same record."""
    turning: str | None = None
    """The direction that the mirror is being turned to: not the time to order a fence."""
    cut: Cut | None = None
    """End offsets right after looking; None unless nothing was behind."""


class Transactions(msgspec.Struct, frozen=True, kw_only=True):
    """All transactions on the old cluster have ended."""

    aborted: tuple[str, ...] = ()
    """Physical transactional ids of those that had to be aborted."""
    ended: tuple[OpenTransaction, ...] = ()
    """The same, as they were before."""
    identities: tuple[Identities, ...] = ()
    """Who their producers are since, in the present epoch."""


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """What the target lacks of what was last seen of the old cluster."""

    at: float
    """Monotonic seconds at which looking began."""
    answered: bool
    """Whether the old cluster answered this time."""
    seen_at: datetime | None
    """When it last did; None if it never did while anybody watched."""
    losses: tuple[Loss, ...]
    """One for each partition that was seen."""


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """The groups' positions, which were brought to the target."""

    at: float
    """Monotonic seconds at which looking began."""
    groups: int
    positions: int
    by_method: tuple[tuple[str, int], ...]
    remarks: tuple[Remark, ...]
    remarks_left_out: int
    digest: str
    duration_ms: float


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """How offsets and topics are to be shown to clients after the switch."""

    partitions: int
    """How many were looked at."""
    offsets: tuple[Offsets, ...]
    topic_ids: TopicIds | None = None
    """None: every topic is known by its id on the target, or not everybody could read the rest."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The switch, the nodes, and what this coordinator has found out since it leads."""

    switch: Switch
    nodes: tuple[NodeView, ...]
    timing: Timing
    requested_at: float
    """When the switch was requested, on this process's monotonic clock."""
    phase_seen_at: float
    """When this coordinator first saw the switch in its present phase."""
    fence_seen_at: float | None = None
    """When this coordinator first saw the fence in the log. Grants are withheld since before."""
    fence_published_at: float | None = None
    """When this coordinator first knew that the control topic holds the fence."""
    progress_told_at: float = 0.0
    """When this coordinator last saw it told that the mirror is waited for."""
    preflight: Preflight | None = None
    ghosts_removed: int | None = None
    """Members that groups still had on the target; None: not looked for."""
    hold_seen_at: float | None = None
    """When this coordinator first saw in the log that no transaction begins any more."""
    open_transactions: tuple[OpenTransaction, ...] | None = None
    """What was open when this coordinator last looked, since it saw that; None: it did not."""
    transactions: Transactions | None = None
    """How this coordinator ended them; None: it did not look."""
    sweeps: tuple[Sweep, ...] = ()
    """Taken by this coordinator since the barrier, oldest first."""
    mirror: MirrorState | None = None
    """The newest look of this coordinator at the mirror, in the present phase."""
    losses: Losses | None = None
    """What a forced switch gives up; None if nobody has looked."""
    positions: Positions | None = None
    """What this coordinator itself brought to the target, in the present phase."""
    producers: tuple[Producers, ...] = ()
    """What it saw of producers, at the same time."""
    parity: Parity | None = None
    """What this coordinator did to the target's topics and groups, in the present phase."""
    tombstones: tuple[tuple[str, int], ...] | None = None
    """Partitions of the old cluster in which this coordinator deleted so many keys once more; None:
    it did not look for any since the barrier."""
    numbers: Numbers | None = None
    """What this coordinator decided in the present phase; None: it has not."""
    identities: tuple[Identities, ...] = ()
    """Who transactional producers are in the epoch to come; found at the same time."""
    probe_error: str | None = None
    """Why the newest probe found nothing out; None if it did, or has not ended."""

    @property
    def unfinished(self) -> str:
        """Why something was not looked at in time: what a cluster said, or that we took no more."""
        return self.probe_error or "it was still being looked at when our budget ended"
