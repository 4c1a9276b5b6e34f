"""Whether a switch would pass now, and what a forced one would lose: looked at for all who watch.

Both are the API's own answers. They ask both clusters, so one answer serves every page for a while.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from controlplane.api.own.mirror import MirrorView, mirror_view
from controlplane.api.own.plans import Plan, losses_now, plan_of
from controlplane.api.own.schemas import SwitchQuestion
from controlplane.domain.replica import Loss
from controlplane.domain.switch.view import Losses
from controlplane.plane import ControlPlane
from controlplane.probes.failing import LookError
from controlplane.pulse import Pulse
from controlplane.store.watches import Pair

_logger = structlog.get_logger()

FRESH_S: Final = 10.0
"""So old may an answer be that is shown as the present one."""
OLD_S: Final = 60.0
"""From then on whoever sees it is told that nobody could look since."""
_BUDGET_S: Final = 30.0
"""For one look: a client of a cluster that dies meanwhile may wait for ever."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """How things stood at a moment."""

    looked_at: datetime
    pair: Pair
    plan: Plan
    """Of a planned switch to the other cluster."""
    losses: Losses | None
    """None: the other cluster did not answer."""
    trouble: str | None
    """Why it did not."""
    mirror: MirrorView

    def is_old(self, now: datetime) -> bool:
        """Whether it says little of how things are now."""
        return (now - self.looked_at).total_seconds() > OLD_S

    @property
    def hindrances(self) -> list[str]:
        """What stands in the way of a planned switch."""
        return [check.detail for check in self.plan.checks if not check.passed]

    @property
    def lacking(self) -> list[Loss]:
        """Partitions of which the other cluster lacks something, worst first."""
        known = [loss for loss in self.losses.losses if loss.known] if self.losses else []
        return sorted(known, key=lambda loss: (-loss.known, loss.partition))

    @property
    def lost_records(self) -> int:
        """How many records a forced switch would lose now, as far as anybody knows."""
        return sum(loss.known for loss in self.lacking)


class Outlooks:
    """The newest one of a control plane, worked out in the background while anybody asks for it.

    Whoever shows a page does not wait for clusters: when one is gone, looking takes longest.
    """

    def __init__(self, plane: ControlPlane) -> None:
        """Nobody has looked yet."""
        self.newest: Outlook | None = None
        self._plane = plane
        self._at = -FRESH_S
        self._wanted = asyncio.Event()
        self._looked = Pulse()

    @asynccontextmanager
    async def kept_up(self, _: object) -> AsyncIterator[None]:
        """Look for as long as the application runs, when somebody asks."""
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._look_when_asked())
            yield
            looking.cancel()

    def ask(self) -> Outlook | None:
        """The newest one; a newer one is worked out if it is not fresh."""
        if not self._is_fresh():
            self._wanted.set()
        return self.newest

    async def fresh(self, within_s: float) -> Outlook | None:
        """One that is fresh, or the newest there is when the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self._is_fresh():
                    self._wanted.set()
                    await self._looked.wait()
        return self.newest

    def _is_fresh(self) -> bool:
        """Whether nobody need look again, unless another cluster serves by now."""
        pair = self.newest.pair if self.newest is not None else None
        return time.monotonic() - self._at < FRESH_S and pair == present_pair(self._plane)

    async def _look_when_asked(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                async with asyncio.timeout(_BUDGET_S):
                    self.newest = await _look(self._plane)
            except Exception as error:  # noqa: BLE001 - a page that shows nothing new ends nothing else
                _logger.warning("console.not_looked", detail=str(error) or type(error).__name__)
            self._at = time.monotonic()
            self._wanted.clear()
            self._looked.beat()


def present_pair(plane: ControlPlane, scope: str | None = None) -> Pair | None:
    """A scope's cluster and the one that would stand in for it; None if there are no two.

    Args:
        plane: this control plane.
        scope: which one; None: the first.
    """
    scope = scope or plane.settings.scope
    routing = plane.ledger.facts.routing(scope)
    if routing is None:
        return None
    others = (name for name in plane.settings.clusters_by_role if name != routing.cluster)
    other = next(others, None)
    if other is None:
        return None
    return Pair(scope=scope, from_cluster=routing.cluster, to_cluster=other)


async def _look(plane: ControlPlane) -> Outlook | None:
    pair = present_pair(plane)
    if pair is None:
        return None
    question = SwitchQuestion(to_cluster=pair.to_cluster, scope=pair.scope)
    losses, trouble = None, None
    plan = await plan_of(plane, question)
    try:
        losses = await losses_now(plane, pair)
    except LookError as error:
        trouble = str(error)
    return Outlook(
        looked_at=datetime.now(UTC),
        pair=pair,
        plan=plan,
        losses=losses,
        trouble=trouble,
        mirror=await mirror_view(plane),
    )
