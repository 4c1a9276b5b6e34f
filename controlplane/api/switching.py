"""Starting switches and waiting for their end: shared by both administration APIs."""

from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from uuid_utils import uuid7

from controlplane.domain.switch.events import Mode
from controlplane.domain.switch.request import (
    AlreadyServedError,
    StartSwitch,
    SwitchRunningError,
    start_switch,
)
from controlplane.domain.switch.transitions import Phase
from controlplane.ledger import Turn
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution

_BEYOND_BUDGET_S = 10.0
"""A switch ends by its budget and one lease, while some control plane leads."""


class Outcome(StrEnum):
    """How a switch that was waited for stands."""

    COMPLETED = "completed"
    UNDONE = "undone"
    RUNNING = "running"


class Terms(NamedTuple):
    """On which whoever asks for a switch would have it."""

    quiesce_budget_s: float | None = None
    """None: as configured."""
    transactions_budget_s: float = 0.0
    accepts_loss: bool = False
    waived: tuple[str, ...] = ()


USUAL: Final = Terms()


def new_switch(
    plane: ControlPlane,
    scope: str,
    to_cluster: str,
    mode: Mode,
    expected_epoch: int | None = None,
    *,
    terms: Terms = USUAL,
) -> StartSwitch:
    """A request for a switch under a new id, with the configured budgets where none is given.

    What transactions get comes on top of the switch's own budget.
    """
    quiesce_budget_s = terms.quiesce_budget_s
    if quiesce_budget_s is None:
        quiesce_budget_s = plane.settings.interlock_quiesce_budget_s
    return StartSwitch(
        switch_id=str(UUID(bytes=uuid7().bytes)),
        scope=scope,
        to_cluster=to_cluster,
        mode=mode,
        budget_s=plane.settings.interlock_switch_budget_s + terms.transactions_budget_s,
        mirror_budget_s=plane.settings.interlock_mirror_budget_s,
        quiesce_budget_s=quiesce_budget_s,
        transactions_budget_s=terms.transactions_budget_s,
        accepts_loss=terms.accepts_loss,
        waived=terms.waived,
        expected_epoch=expected_epoch,
    )


async def start(plane: ControlPlane, turn: Turn, command: StartSwitch) -> None:
    """Request the switch in this turn.

    Raises:
        Refusal: it cannot be started, and why.
    """
    configured = tuple(cluster.name for cluster in plane.settings.clusters)
    await turn.append(start_switch(turn.facts, command, configured))


async def join_or_start(
    plane: ControlPlane,
    scope: str,
    to_cluster: str,
    mode: Mode,
    by: Attribution,
) -> str | None:
    """The switch that brings a scope to a cluster, running or new; None if it is there.

    Raises:
        Refusal: it cannot be brought there, and why.
    """
    command = new_switch(plane, scope, to_cluster, mode)
    try:
        async with plane.ledger.turn(by) as turn:
            await start(plane, turn, command)
    except AlreadyServedError:
        return None
    except SwitchRunningError as error:
        if error.running.to_cluster != to_cluster or error.running.phase is Phase.ABORTING:
            raise
        return error.running.switch_id
    return command.switch_id


async def await_end(plane: ControlPlane, switch_id: str) -> Outcome:
    """Wait until a switch has ended."""
    budget_s = plane.ledger.facts.switches[switch_id].budget_s
    limit_s = budget_s + plane.settings.interlock_lease_s + _BEYOND_BUDGET_S
    await plane.ledger.wait_for(lambda facts: not facts.switches[switch_id].open, limit_s)
    match plane.ledger.facts.switches[switch_id].phase:
        case Phase.COMPLETED:
            return Outcome.COMPLETED
        case Phase.ABORTED:
            return Outcome.UNDONE
        case _:
            return Outcome.RUNNING
