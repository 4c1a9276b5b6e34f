"""What an attack has shown, as a page of the documentation."""

from collections.abc import Sequence
from datetime import UTC, datetime

from reliability.attack.probe import EVERY_S
from reliability.attack.trial import Trial

WITHIN_S = (0.1, 1.0)
"""What the victim's waits outside of fences are to stay below: 99 of 100, and all."""


def held(trial: Trial) -> bool:
    """Whether nobody but the attacker noticed the attack."""
    return all(passed for _, _, passed in _points(trial))


def page(trial: Trial) -> str:
    """The whole page."""
    return "\n".join([*_head(trial), *_verdict(trial), *_attacker(trial), *_memory(trial), ""])


def _head(trial: Trial) -> list[str]:
    return [
        "# An attack",
        "",
        f"Made by `make attack` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            f"For {trial.seconds:.0f} s a tenant with an account of its own did to both gateways"
            " what it could: every request of every version, half of them broken; arrays of a"
            " million elements; ids of all of Unicode, U+0000 included; records that grow a"
            " thousandfold; frames that are announced and do not come; answers of 50 MB that"
            " nobody reads; topics made and deleted. Two dozen clients at each gateway at once, on"
            " the same two processors as everything else, of which they take what is left (an"
            " attacker has a machine of its own). Another tenant wrote a record every"
            f" {EVERY_S * 1000:.0f} ms, and every minute a planned switch was made. The load"
            f" average was {trial.load:.1f} at the end, with all other work of the machine."
        ),
    ]


def _points(trial: Trial) -> list[tuple[str, str, bool]]:
    waits = trial.waits_s()
    completed = sum(one.completed for one in trial.switches)
    asked = len(trial.switches) + len(trial.refusals)
    foreign = trial.attacked["foreign names"]
    return [
        (
            "99 of 100 of the victim's waits outside of fences below 100 ms",
            f"{_percentile(waits, 0.99) * 1000:.0f} ms",
            _percentile(waits, 0.99) < WITHIN_S[0],
        ),
        ("all below 1 s", f"{waits[-1] * 1000:.0f} ms" if waits else "-", _below(waits)),
        (
            "connections that the victim lost",
            str(trial.probed.lost_connections),
            trial.probed.lost_connections == 0,
        ),
        ("planned switches that completed", f"{completed} of {asked}", completed == asked > 0),
        (
            "looks outside of fences that found a node without a lease",
            f"{trial.unleased()} of {trial.watch.looks}",
            trial.unleased() == 0,
        ),
        ("answers with a name of the victim's", str(foreign), foreign == 0),
    ]


def _below(waits: Sequence[float]) -> bool:
    return bool(waits) and waits[-1] < WITHIN_S[1]


def _verdict(trial: Trial) -> list[str]:
    quiet = sorted(waited for _, waited in trial.quiet.waits)
    lines = ["", "## What the victim saw", "", "| | | |", "|---|---|---|"]
    lines += [
        f"| {what} | {seen} | {'yes' if ok else '**no**'} |" for what, seen, ok in _points(trial)
    ]
    lines += [
        "",
        f"Without an attack 99 of 100 waits were below {_percentile(quiet, 0.99) * 1000:.0f} ms.",
    ]
    lines += [f"- refused: {refusal}" for refusal in trial.refusals]
    lines += [
        f"- {one.report['outcome']}: {one.report.get('cause')}"
        for one in trial.switches
        if not one.completed
    ]
    return lines


def _attacker(trial: Trial) -> list[str]:
    rows = [f"| {what} | {count:,} |" for what, count in sorted(trial.attacked.items())]
    return ["", "## What the attacker did", "", "| | count |", "|---|---|", *rows]


def _memory(trial: Trial) -> list[str]:
    rows = [f"| {name} | {most} MiB |" for name, most in sorted(trial.watch.most_mib.items())]
    title = "## The most memory of each process"
    return ["", title, "", "| | |", "|---|---|", *rows]


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
