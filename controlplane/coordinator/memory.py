"""What a coordinator has found out about one switch since it leads. Forgotten when it stops."""

from collections.abc import Mapping
from math import inf
from typing import Final

from msgspec.structs import replace

from contract.records import Identities, Node, Producers
from controlplane.domain.facts import Facts
from controlplane.domain.open_transactions import OpenTransaction
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch.seen_since import SeenSince
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import (
    Losses,
    MirrorState,
    NodeView,
    Numbers,
    Positions,
    Preflight,
    Sweep,
    Timing,
    Transactions,
    View,
)
from controlplane.store.sessions import Session

_YOUNG_S: Final = 5.0
"""A mirror that follows takes less to begin with a topic that was just made."""


class Memory:
    """Of one switch."""

    def __init__(self, requested_at: float) -> None:
        self.requested_at = requested_at
        self.phase_seen_at: dict[Phase, float] = {}
        self.fence_seen_at: float | None = None
        self.fence_published_at: float | None = None
        self.progress_told: tuple[int, float] = (0, 0.0)
        """How often it was told that the mirror is waited for, and when that was seen last."""
        self.preflight: Preflight | None = None
        self.ghosts_removed: int | None = None
        self.hold_seen_at: float | None = None
        self.open_transactions: tuple[OpenTransaction, ...] | None = None
        self.transactions: Transactions | None = None
        self.sweeps: tuple[Sweep, ...] = ()
        self.mirror: MirrorState | None = None
        self._far: SeenSince | None = None
        self.losses: Losses | None = None
        self.positions: Positions | None = None
        self.producers: tuple[Producers, ...] = ()
        self.parity: Parity | None = None
        self.tombstones: tuple[tuple[str, int], ...] | None = None
        self.numbers: Numbers | None = None
        self.identities: tuple[Identities, ...] = ()
        self.probe_error: str | None = None

    def see(self, switch: Switch, published_seq: int, now: float) -> None:
        """Note when things were first seen."""
        if switch.phase not in self.phase_seen_at:
            self.phase_seen_at[switch.phase] = now
            self.mirror, self.positions, self.probe_error = None, None, None
            self.numbers, self.parity, self._far = None, None, None
        if switch.mirror_awaited != self.progress_told[0]:
            self.progress_told = (switch.mirror_awaited, now)
        if self.hold_seen_at is None and switch.hold_seq is not None:
            self.hold_seen_at = now
        if switch.fence_seq is None:
            return
        if self.fence_seen_at is None:
            self.fence_seen_at = now
        if self.fence_published_at is None and published_seq >= switch.fence_seq:
            self.fence_published_at = now

    def saw_mirror(self, found: MirrorState) -> None:
        """Somebody looked: what of it is young follows from the looks before, in this phase."""
        known, at = (SeenSince(), -inf) if self._far is None else (self._far, found.at)
        self._far = known.after(found.far_behind, at)
        lasting = self._far.lasting(found.at, _YOUNG_S)
        young = tuple(name for name in found.far_behind if name not in lasting)
        self.mirror = replace(found, young=young)

    def view(
        self, switch: Switch, facts: Facts, sessions: Mapping[str, Session], timing: Timing
    ) -> View:
        """Everything that is known now."""
        return View(
            switch=switch,
            nodes=tuple(
                _node(node, sessions.get(node.node_id), switch.scope, timing)
                for node in facts.control.of(Node)
            ),
            timing=timing,
            requested_at=self.requested_at,
            phase_seen_at=self.phase_seen_at.get(switch.phase, self.requested_at),
            fence_seen_at=self.fence_seen_at,
            fence_published_at=self.fence_published_at,
            progress_told_at=self.progress_told[1],
            preflight=self.preflight,
            ghosts_removed=self.ghosts_removed,
            hold_seen_at=self.hold_seen_at,
            open_transactions=self.open_transactions,
            transactions=self.transactions,
            sweeps=self.sweeps,
            mirror=self.mirror,
            losses=self.losses,
            positions=self.positions,
            producers=self.producers,
            parity=self.parity,
            tombstones=self.tombstones,
            numbers=self.numbers,
            identities=self.identities,
            probe_error=self.probe_error,
        )


def _node(node: Node, session: Session | None, scope: str, timing: Timing) -> NodeView:
    if session is None:
        return NodeView(node_id=node.node_id, incarnation=node.incarnation, alive=False)
    return NodeView(
        node_id=node.node_id,
        incarnation=node.incarnation,
        alive=session.age.total_seconds() <= timing.expiry_s,
        reported_incarnation=session.report.incarnation,
        applied_seq=session.report.applied_seq,
        report=session.report.scopes.get(scope),
    )
