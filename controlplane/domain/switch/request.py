"""Asking for a switch, and for its end."""

import msgspec

from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing
from controlplane.domain.switch.events import AbortRequested, Mode, SwitchRequested
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.transitions import ABORTABLE, Phase


class StartSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """Have a scope served by another physical cluster."""

    switch_id: str
    scope: str
    to_cluster: str
    mode: Mode
    budget_s: float
    mirror_budget_s: float
    quiesce_budget_s: float = 0.0
    accepts_loss: bool = False
    waived: tuple[str, ...] = ()
    transactions_budget_s: float = 0.0
    expected_epoch: int | None = None
    """Refuse if the scope is in another epoch; None if it does not matter."""


class AlreadyServedError(Conflict):
    """The scope is where it should go."""


class SwitchRunningError(Conflict):
    """The scope is being switched."""

    def __init__(self, running: Switch) -> None:
        super().__init__(
            f"scope {running.scope} is being switched to {running.to_cluster} already"
            f" (switch {running.switch_id}, {running.phase.value}): wait for its end or abort it"
        )
        self.running = running


class EpochMovedError(Conflict):
    """Somebody switched the scope since the caller looked."""


def start_switch(facts: Facts, command: StartSwitch, configured: tuple[str, ...]) -> list[Event]:
    """A switch is requested, unless there is nothing to do or something is under way.

    Raises:
        Missing: no such scope.
        Invalid: no such cluster.
        SwitchRunningError: another switch of the scope has not ended.
        AlreadyServedError: the target serves the scope.
        EpochMovedError: the scope is not in the expected epoch.
    """
    routing = facts.routing(command.scope)
    if routing is None:
        raise Missing(f"cluster id {command.scope} is not one that virtual clusters are bound to")
    if command.to_cluster not in configured:
        raise Invalid(
            f"cluster id {command.to_cluster} is not configured; there are {', '.join(configured)}"
        )
    if (running := facts.open_switch(command.scope)) is not None:
        raise SwitchRunningError(running)
    if routing.cluster == command.to_cluster:
        raise AlreadyServedError(f"scope {command.scope} is served by {command.to_cluster} already")
    if command.expected_epoch not in {None, routing.epoch}:
        raise EpochMovedError(
            f"scope {command.scope} is in epoch {routing.epoch}, not {command.expected_epoch}:"
            " somebody switched it since you looked"
        )
    return [
        SwitchRequested(
            switch_id=command.switch_id,
            scope=command.scope,
            from_cluster=routing.cluster,
            to_cluster=command.to_cluster,
            mode=command.mode,
            expected_epoch=routing.epoch,
            budget_s=command.budget_s,
            mirror_budget_s=command.mirror_budget_s,
            accepts_loss=command.accepts_loss,
            waived=command.waived,
            quiesce_budget_s=command.quiesce_budget_s,
            transactions_budget_s=command.transactions_budget_s,
        )
    ]


def abort_switch(facts: Facts, switch_id: str, cause: str) -> list[Event]:
    """A switch is to be undone; nothing happens if it is being undone already.

    Raises:
        Missing: no such switch.
        Conflict: it is past the point of no return.
    """
    switch = facts.switches.get(switch_id)
    if switch is None:
        raise Missing(f"there is no switch {switch_id}")
    if switch.phase in {Phase.ABORTING, Phase.ABORTED}:
        return []
    if switch.phase not in ABORTABLE:
        raise Conflict(
            f"switch {switch_id} is committed: start a switch back to {switch.from_cluster}"
        )
    return [AbortRequested(switch_id=switch_id, at_phase=switch.phase.value, cause=cause)]
