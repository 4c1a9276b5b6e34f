"""What became of logs that lost their newest events, as a page: `docs/restores.md`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from tests.system.load import Load


@dataclass(frozen=True)
class Restored:
    """A log, once it had been put back."""

    how: str
    ends_with: str
    """The kind of the newest event that was left."""
    lost: int
    """Events that were not."""
    objected_s: float
    """From when it was there until every control plane had objected and decided nothing."""


@dataclass
class Trial:
    """The logs that one test put back while clients wrote."""

    restored: list[Restored] = field(default_factory=list)
    acknowledged: int = 0
    longest_wait_s: float = 0.0
    """Between two acknowledgements, the switches that followed included."""
    has_held: bool = False

    def held(self, load: Load) -> None:
        """Everything that was to be shown has been."""
        heard = [one.at for one in load.acknowledgements]
        self.acknowledged = len(heard)
        self.longest_wait_s = max(after - before for before, after in pairwise(heard))
        self.has_held = True


def page(trials: Sequence[Trial]) -> str:
    """The whole page."""
    well = sum(trial.has_held for trial in trials)
    lines = [
        "# Databases that were restored",
        "",
        f"Made by `make restores` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            "Two control planes, two gateways, two clusters of one broker and Postgres, all real,"
            " on one machine with two processors"
            f" (load average {os.getloadavg()[0]:.1f} at the end, with all other work of the"
            " machine). An idempotent writer at each gateway went on all the time. After each row"
            " every control plane refused a plan, a switch and to lead, and said what to do;"
            " at the end of a trial `interlock control reconcile` took back what was broadcast, two"
            " switches completed, and every record that was acknowledged stood on a cluster."
        ),
        "",
        f"{len(trials)} trials, {well} of them as they should be.",
        "",
        "| trial | the log | it ended with | events lost | all objected within, s |",
        "|---|---|---|---|---|",
    ]
    for number, trial in enumerate(trials, 1):
        lines += [
            f"| {number} | {one.how} | `{one.ends_with}` | {one.lost} | {one.objected_s:.1f} |"
            for one in trial.restored
        ]
    lines += [
        "",
        "| trial | records acknowledged | longest without one, s | as it should be |",
        "|---|---|---|---|",
    ]
    for number, trial in enumerate(trials, 1):
        told = f"{trial.acknowledged:,} | {trial.longest_wait_s:.1f} | yes"
        lines.append(f"| {number} | {told if trial.has_held else '- | - | **no**'} |")
    lines += [
        "",
        (
            "The longest wait holds two or three planned switches, and where a switch was"
            " interrupted behind its fence also the time until the log was whole again: nobody is"
            " served behind a fence."
        ),
        "",
    ]
    return "\n".join(lines)
