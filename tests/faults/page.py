"""The table of faults, as a page of the documentation."""

from collections.abc import Sequence

from tests.faults.bed import QUIESCE_S
from tests.faults.cell import Result
from tests.faults.states import STATES
from tests.faults.table import FAULTS, REPEATS_S, Fault


def page(results: Sequence[Result]) -> str:
    """The whole page."""
    found = {(result.state, result.fault): result for result in results}
    states = [s.name for s in STATES if any(r.state == s.name for r in results)]
    parts = _head(results), _table(found, states), _each(results), _trouble(results)
    return "\n".join([*(line for part in parts for line in part), ""])


def _head(results: Sequence[Result]) -> list[str]:
    well = sum(not result.trouble for result in results)
    missing = len(STATES) * len(FAULTS) - len(results)
    first, last = min(r.on for r in results), max(r.on for r in results)
    days = f"on {last}" if first == last else f"from {first} to {last}"
    return [
        "# Faults",
        "",
        f"Made by `make faults` from `faults.jsonl`, run {days}; do not edit it.",
        "",
        (
            "Two clusters of one broker, MirrorMaker 2, Postgres, two control planes, two gateways,"
            " all real, on one machine with two cores. An idempotent writer and a member of a"
            " committing group at each gateway go on all the time. The switch is held in a state by"
            " stopping the control plane right after the event that begins it, the fault is"
            " injected, the control plane goes on; after its time the fault is mended."
        ),
        "",
        (
            "A cell says how the switch ended (**c**ompleted, **a**borted, **r**ejected,"
            " **s**erved: there was none), and the longest that a client waited for an"
            " acknowledgement from the injection on, in seconds. Afterwards, in each: no"
            " acknowledged record is lost, none is in the log twice or out of order, nothing is"
            " skipped by the group, both nodes serve what the log says, no switch is open, and the"
            " mirror runs the right way. Aborted switches leave clients with the old cluster."
            " MirrorMaker 2 copies records again when it, or one of its clusters, dies"
            f" (**+n** of them): that is taken for right if none is older than {REPEATS_S:g} s"
            " before the fault."
        ),
        "",
        f"{len(results)} cells, {well} of them as they should be; {missing} were not run.",
    ]


def _table(found: dict[tuple[str, str], Result], states: Sequence[str]) -> list[str]:
    rows = [
        f"| {fault.name} | " + " | ".join(_cell(found.get((s, fault.name))) for s in states) + " |"
        for fault in FAULTS
    ]
    head = ["| fault | " + " | ".join(states) + " |", "|" + "---|" * (len(states) + 1)]
    return ["", "## Outcome and seconds without an acknowledgement", "", *head, *rows]


def _cell(result: Result | None) -> str:
    if result is None:
        return ""
    copies = f" +{result.copied_again}" if result.copied_again else ""
    mark = " **!**" if result.trouble else ""
    return f"{result.outcome[0]} {result.stall_s:g}{copies}{mark}"


def _each(results: Sequence[Result]) -> list[str]:
    """One row a fault: what is the same, or compared, in all states."""
    return [
        "",
        "## How long each lasts, the bound, and what was read again",
        "",
        (
            "A group is given again what it had not committed when it was interrupted: in how many"
            f" states, and how many records at most. Here groups have {QUIESCE_S} s to come to"
            " rest, as long as two of their heartbeats are apart, so that cells are short: many"
            " of them are interrupted by the switch, not by the fault. With the 10 s that a switch"
            " gives them by default, none was in the hundred of [reliability.md](reliability.md)."
        ),
        "",
        "| fault | lasts, s | served again within, s | read again |",
        "|---|---|---|---|",
        *(f"| {f.name} | {f.lasts_s:g} | {f.bound_s:g} | {_again(f, results)} |" for f in FAULTS),
    ]


def _again(fault: Fault, results: Sequence[Result]) -> str:
    counts = [r.read_again for r in results if r.fault == fault.name and r.read_again]
    return f"in {len(counts)}, {max(counts)}" if counts else "never"


def _trouble(results: Sequence[Result]) -> list[str]:
    lines = [
        f"- {result.fault}, {result.state}: {what}" for result in results for what in result.trouble
    ]
    return ["", "## What was not as it should be", "", *lines] if lines else []
