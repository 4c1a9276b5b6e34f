"""A switch with everything around it as one value: production's pure classes, and a shell for them.

The coordinator (`next_steps`, `after`, `Memory`) and the nodes (`machine.handle`) are the real
ones, and so are a node's scope and relay (`relays`). Instead of sockets, Postgres and Kafka there
is what can go wrong with them: messages that are late or lost, a topic that cannot be written,
processes that stall, die and come back, bytes that land after their connection was cut.

Time comes in ticks and is always 0 now: whenever a tick passes, everything noted moves one back. So
two moments that differ in nothing but the hour are one state, and there are finitely many.
"""

from math import inf
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from contract.records import Routing
from contract.session import ScopeReport
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch.rules import Rules
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import MirrorState, Numbers, Positions, Sweep, Timing
from dataplane.gateway.scope import Scope
from dataplane.node.machine import NEVER, NodeState
from dataplane.relay.machine import RelayMachine
from tests.model.relays import Client, Door

LEASE: Final = 1
LONG_AGO: Final = -2
"""Ticks beyond which it makes no difference how long ago something was."""
BUDGET: Final = 4
"""Ticks. They do not run down one by one: that they are over can happen at any moment."""
TIMING: Final = Timing(
    lease_s=LEASE,
    drift=1.0,
    margin_s=1,
    still_s=1,
    still_after_expiry_s=1,
    settle_s=2,
    progress_s=inf,
)
OLD, NEW = "main", "failover"


class Flaws(NamedTuple):
    """Rules that are taken away: those of the coordinator by its flags, a node's one by one."""

    rules: Rules = Rules()
    grant_to_anyone: bool = False
    """A lease is granted to nodes that have not seen the fence."""
    compares: bool = True
    """Nothing is decided on a log of which somebody knows more."""
    grants_on_any_log: bool = False
    """Leases are granted by a log of which somebody knows more."""
    n4_lease_from_receipt: bool = False
    relay: type[RelayMachine[Any]] = RelayMachine
    scope: type[Scope] = Scope


class Write(msgspec.Struct, frozen=True):
    """A client's write on its way."""

    cluster: str
    index: int | None = None
    """Its place in the cluster's log, once it was appended."""


class Node(msgspec.Struct, frozen=True):
    """A gateway node: its machine, its scope, one client's relay, and what its shell holds."""

    state: NodeState = NodeState(replayed=True, registered=True)
    applied: int = 0
    door: Door = Door(OLD)
    client: Client = Client()
    write: Write | None = None
    """The one that is in flight."""
    answer: int | None = None
    """When a lease was asked for that was granted, and has not arrived."""
    incarnation: int = 0


class Report(NamedTuple):
    """A node's newest report, as the database has it."""

    incarnation: int
    applied: int
    scope: ScopeReport | None


class Recall(msgspec.Struct, frozen=True):
    """A leader's memory as a value; see `Memory`."""

    requested_at: int = 0
    phase_seen: tuple[tuple[Phase, int], ...] = ()
    fence_seen_at: int | None = None
    fence_published_at: int | None = None
    looked: bool = False
    sweeps: tuple[Sweep, ...] = ()
    mirror: MirrorState | None = None
    parity: Parity | None = None
    positions: Positions | None = None
    numbers: Numbers | None = None


class Left(NamedTuple):
    """How often it may still happen, so that a run has an end."""

    switches: int = 1
    crashes: int = 1
    aborts: int = 1
    restarts: int = 1
    writes: int = 2
    bypasses: int = 1
    losses: int = 0
    """Of the log's newest events."""


ONE_WRITE: Final = Left(switches=1, crashes=0, aborts=0, restarts=0, writes=1, bypasses=0)


class Joined(NamedTuple):
    """The record of a node's registration."""

    number: int
    incarnation: int


class Backup(NamedTuple):
    """The database as it was right after an event."""

    seq: int = 1
    records: int = 1
    switch: Switch | None = None
    numbered: int = -1
    reports: tuple[Report | None, ...] = ()


class World(msgspec.Struct, frozen=True):
    """Everything at one moment."""

    nodes: tuple[Node, ...]
    reports: tuple[Report | None, ...]
    left: Left
    records: tuple[tuple[int, Routing | Joined], ...] = (
        (1, Routing(scope=OLD, cluster=OLD, epoch=0, state="serving", term=0)),
    )
    """Control records in the order of their `seq`."""
    published: int = 1
    """How many records the control topic holds."""
    backups: tuple[Backup, ...] = ()
    """After each event, as long as the log can lose its newest ones."""
    broadcast: tuple[tuple[int, Routing | Joined], ...] | None = None
    """What the control topic holds, if the log does not have all of it any more."""
    seq: int = 1
    switch: Switch | None = None
    recall: Recall = Recall()
    old_end: int = 0
    """Records in the old cluster's log."""
    mirrored: int = 0
    """How many of them the new cluster has."""
    acknowledged: int = 0
    """The last of them that a client was told of."""
    alike: int = 0
    """How much of what clients have done to the old cluster was done to the new one as well."""
    positions: int = 0
    """How far groups have read, as the new cluster has it; on the old one they read everything."""
    numbered: int = -1
    """The old log's end when the switch recorded under which numbers records go on."""
    cut_writes: int = 0
    """Bytes under way to the old cluster whose connection is gone."""
    old_end_at_lead: int = 0
    """Records in the old log when the present leader began."""
    mirrored_at_commit: int | None = None
    wrong: str | None = None
    """The invariant that does not hold."""


def topic(world: World) -> tuple[tuple[int, Routing | Joined], ...]:
    """What the control topic holds."""
    return world.records[: world.published] if world.broadcast is None else world.broadcast


def backed_up(world: World) -> World:
    """With a backup of the database as it is."""
    if not world.left.losses:
        return world
    made = Backup(world.seq, len(world.records), world.switch, world.numbered, world.reports)
    return replace(world, backups=(*world.backups, made))


def routing(world: World) -> Routing:
    """The newest routing record."""
    return next(r for _, r in reversed(world.records) if isinstance(r, Routing))


def fence_seq(world: World) -> int:
    """What a node has to have applied for a lease."""
    routings = ((q, r) for q, r in reversed(world.records) if isinstance(r, Routing))
    return next(q for q, r in routings if r.state != "quiescing")


def with_node(world: World, number: int, node: Node) -> World:
    """With another node in a node's place."""
    return replace(world, nodes=(*world.nodes[:number], node, *world.nodes[number + 1 :]))


def tick(world: World) -> World:
    """One tick passes: what was noted is one longer ago."""
    return replace(
        world,
        nodes=tuple(map(_aged_node, world.nodes)),
        recall=_aged_recall(world.recall),
    )


def _ago(at: float) -> float:
    return max(at - 1, LONG_AGO)


def _aged_node(node: Node) -> Node:
    state = node.state
    standings = tuple(
        s if s.drain_by is None else replace(s, drain_by=_ago(s.drain_by)) for s in state.standings
    )
    answer = None if node.answer is None else max(node.answer - 1, -LEASE)
    return replace(
        node,
        state=leased(replace(state, standings=standings), -1),
        answer=answer,
    )


def leased(state: NodeState, later: int = 0) -> NodeState:
    """With one lease for two, as only the later counts; one that is over is none."""
    until = max(state.topic_lease, state.session_lease) + later
    until = until if until > 0 else NEVER
    return replace(state, topic_lease=until, session_lease=until)


def _aged_recall(recall: Recall) -> Recall:
    def maybe(at: int | None) -> int | None:
        return None if at is None else int(_ago(at))

    return replace(
        recall,
        fence_seen_at=maybe(recall.fence_seen_at),
        fence_published_at=maybe(recall.fence_published_at),
        sweeps=tuple(replace(s, at=max(s.at - 1, -2)) for s in recall.sweeps),
    )
