"""One fault in one state of a switch: what became of it, and what clients saw."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from typing import Any

import httpx
import msgspec

from reliability.history import Fault as Wrong
from reliability.history import Finding, Handover
from sandbox.process import wait_until
from tests.faults.bed import Bed
from tests.faults.load import Load
from tests.faults.states import State
from tests.faults.table import BUDGET_S, REPEATS_S, Fault, ImpossibleError, Situation

_REACHED_WITHIN_S = 40.0
_SETTLED_WITHIN_S = 120.0
_PLANES_RECOVER_S = 60.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the table."""

    state: str
    fault: str
    outcome: str
    """How the switch ended; `served` if there was none."""
    cause: str | None = None
    stall_s: float = 0.0
    """Longest time without an acknowledgement of any writer, from the injection on."""
    bound_s: float = 0.0
    read_again: int = 0
    """Records that a group was given again."""
    copied_again: int = 0
    """Records that MirrorMaker 2 brought to the other cluster again."""
    took_s: float = 0.0
    trouble: tuple[str, ...] = ()
    """What should not have been: nothing, if all is well."""
    on: date = msgspec.field(default_factory=date.today)
    """The day on which it was run."""


class Runner:
    """Runs cells of one state, one after the other, in one environment and under one load."""

    def __init__(self, bed: Bed, load: Load, state: State) -> None:
        self._bed = bed
        self._load = load
        self._state = state
        self._known: set[Finding] = set()
        self._handovers: list[Handover] = []

    def run(self, fault: Fault) -> Result:
        """Inject, mend, wait until all is well again, judge."""
        began = time.monotonic()
        bed = self._bed
        bed.site.wait_for_mirror()
        source, target = bed.site.serving, bed.site.standby
        first_event = bed.operator.events()[-1]["seq"]
        with ThreadPoolExecutor(2) as callers:
            leader = self._reach(callers)
            at = Situation(leader=bed.control_planes[leader], source=source, target=target)
            injected_at = time.monotonic()
            with ExitStack() as going:
                try:
                    with fault.inject(bed, at):
                        # Until all is over: who takes over may come to the same event again.
                        going.enter_context(bed.flowing())
                        wait_out(fault.lasts_s)
                except ImpossibleError as error:
                    return self._impossible(fault, str(error))
                trouble = self._settle(injected_at)
        stall_s = self._load.longest_wait(injected_at)
        outcome, cause = self._outcome(first_event)
        if bed.site.serving == target:
            self._handovers.append(Handover(time.monotonic()))
        findings = self._new_findings()
        again = {finding for finding in findings if finding.fault is Wrong.READ_TWICE}
        copies = self._copied_again(findings, injected_at) if fault.repeats_copies else set()
        trouble += sorted(_said(finding) for finding in findings - again - copies)[:5]
        if stall_s > fault.bound_s:
            trouble.append(f"clients waited {stall_s:.1f} s, more than {fault.bound_s:g} s")
        return Result(
            state=self._state.name,
            fault=fault.name,
            outcome=outcome,
            cause=cause,
            stall_s=round(stall_s, 1),
            bound_s=fault.bound_s,
            read_again=len(again),
            copied_again=len(copies),
            took_s=round(time.monotonic() - began, 1),
            trouble=tuple(trouble),
        )

    def _new_findings(self) -> set[Finding]:
        """What a copy has twice is no news once that cluster serves."""
        found = {
            finding
            for finding in self._load.findings(self._handovers)
            if finding._replace(who="") not in self._known
        }
        self._known |= {finding._replace(who="") for finding in found}
        return found

    def _copied_again(self, findings: set[Finding], injected_at: float) -> set[Finding]:
        """What MirrorMaker 2 may bring twice when it, or one of its clusters, dies."""
        newest = self._load.written_since(injected_at - REPEATS_S)
        return {
            finding
            for finding in findings
            if finding.fault is Wrong.WRITTEN_TWICE
            and finding.who == "other"
            and finding.value in newest
        }

    def _reach(self, callers: ThreadPoolExecutor) -> int:
        """Bring the state about; index of the control plane that leads, or holds the switch."""
        bed = self._bed
        wait_until(lambda: bed.leader() is not None, "somebody leads", _PLANES_RECOVER_S)
        leader = bed.leader() or 0
        if self._state.after is None:
            return leader
        self._call(callers, leader, "/api/v1/switches", {"toCluster": bed.site.standby})
        if self._state.aborts:
            wait_until(lambda: bool(bed.operator.open_switches()), "a switch is open")
            switch_id = bed.operator.open_switches()[0]["switchId"]
            path = f"/api/v1/switches/{switch_id}/abort"
            self._call(callers, leader, path, {"reason": "a fault is injected"})
        wait_until(lambda: bed.held() is not None, "the state is reached", _REACHED_WITHIN_S)
        held = bed.held()
        return next(i for i, plane in enumerate(bed.control_planes) if plane is held)

    def _call(
        self, callers: ThreadPoolExecutor, plane: int, path: str, body: dict[str, Any]
    ) -> Future[httpx.Response]:
        """Without waiting: who answers may stop itself before it does."""
        return callers.submit(self._bed.operator.call, "POST", path, plane, json=body)

    def _settle(self, injected_at: float) -> list[str]:
        """Wait until everything is as it should be; what is not."""
        bed, trouble = self._bed, []
        steps = (
            ("every writer is served", self._load.wait_for_more),
            ("no switch is open any more", self._wait_until_ended),
            ("every node serves what the log says", bed.operator.wait_for_agreement),
            ("every writer is served in the end", self._load.wait_for_more),
            ("the mirror has turned", bed.site.wait_for_mirror),
        )
        for what, step in steps:
            try:
                _through_outages(step)
            except Exception as error:  # noqa: BLE001 - a cell that fails is a result
                seconds = time.monotonic() - injected_at
                trouble.append(f"not so after {seconds:.0f} s: {what}: {error}")
                break
        return trouble

    def _wait_until_ended(self) -> None:
        operator = self._bed.operator
        wait_until(lambda: not operator.open_switches(), "the switch has ended", BUDGET_S * 3)

    def _outcome(self, after: int) -> tuple[str, str | None]:
        events = self._bed.operator.events(after=after, kind="switch")
        for event in reversed(events):
            kind = event["kind"].removeprefix("switch.")
            if kind in {"completed", "aborted", "rejected"}:
                return kind, event["data"].get("cause")
        return ("nothing recorded" if self._state.after else "served"), None

    def _impossible(self, fault: Fault, why: str) -> Result:
        with self._bed.flowing():
            self._settle(time.monotonic())
        return Result(state=self._state.name, fault=fault.name, outcome="not possible", cause=why)


def wait_out(seconds: float) -> None:
    """Let a fault last."""
    time.sleep(seconds)


def _through_outages(step: Any) -> None:
    """Try again while those who are asked do not answer."""
    give_up_at = time.monotonic() + _SETTLED_WITHIN_S
    while True:
        try:
            step()
        except (httpx.HTTPError, RuntimeError, KeyError, ValueError):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.5)
        else:
            return


def _said(finding: Finding) -> str:
    return (
        f"{finding.fault.name} {finding.value} {finding.partition.topic}"
        f"-{finding.partition.number} ({finding.who})"
    )
