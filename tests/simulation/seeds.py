"""Many seeds at once, on all processors: `python -m tests.simulation.seeds 100000`."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from typing import Final, NamedTuple

from tests.simulation.shrinking import story
from tests.simulation.world import Plan, run

_PART: Final = 100
_STEP: Final = 5000
"""After so many it is told how far one is: two minutes on two processors."""


class Outcome(NamedTuple):
    """What came of many seeds."""

    failed: list[int]
    switches: int
    """How many were committed."""
    acknowledged: int
    """How many writes."""

    def and_(self, more: "Outcome") -> "Outcome":
        """Both as one."""
        return Outcome(
            failed=self.failed + more.failed,
            switches=self.switches + more.switches,
            acknowledged=self.acknowledged + more.acknowledged,
        )


_NOTHING: Final = Outcome(failed=[], switches=0, acknowledged=0)


def live_through(seeds: Sequence[int]) -> Outcome:
    """Run them all."""
    parts = [seeds[at : at + _PART] for at in range(0, len(seeds), _PART)]
    with ProcessPoolExecutor() as pool:
        return reduce(Outcome.and_, pool.map(_live_through, parts), _NOTHING)


def _live_through(seeds: Sequence[int]) -> Outcome:
    runs = {seed: run(seed, Plan.of(seed)) for seed in seeds}
    return Outcome(
        failed=[seed for seed, lived in runs.items() if lived.wrong is not None],
        switches=sum(lived.switches for lived in runs.values()),
        acknowledged=sum(lived.acknowledged for lived in runs.values()),
    )


def main(count: int) -> int:
    """Tell what came of so many seeds, and on the way what came until then; 1 if any went wrong."""
    outcome = _NOTHING
    for first in range(0, count, _STEP):
        end = min(first + _STEP, count)
        outcome = outcome.and_(live_through(range(first, end)))
        print(  # noqa: T201 - a command
            f"{end:,} seeds: {outcome.switches:,} switches committed,"
            f" {outcome.acknowledged:,} writes acknowledged, {len(outcome.failed)} went wrong",
            flush=True,
        )
    for seed in outcome.failed[:3]:
        print(story(seed))  # noqa: T201 - a command
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
