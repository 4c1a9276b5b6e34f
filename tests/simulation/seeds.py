"""Many seeds at once, on all processors: `python -m tests.simulation.seeds 100000`."""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final, NamedTuple

from tests.simulation.shrinking import story
from tests.simulation.world import Plan, run

_PART: Final = 100


class Outcome(NamedTuple):
    """What came of many seeds."""

    failed: list[int]
    switches: int
    """How many were committed."""
    acknowledged: int
    """How many writes."""


def live_through(seeds: Sequence[int]) -> Outcome:
    """Run them all."""
    parts = [seeds[at : at + _PART] for at in range(0, len(seeds), _PART)]
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(_live_through, parts))
    return Outcome(
        failed=[seed for outcome in outcomes for seed in outcome.failed],
        switches=sum(outcome.switches for outcome in outcomes),
        acknowledged=sum(outcome.acknowledged for outcome in outcomes),
    )


def _live_through(seeds: Sequence[int]) -> Outcome:
    runs = {seed: run(seed, Plan.of(seed)) for seed in seeds}
    return Outcome(
        failed=[seed for seed, lived in runs.items() if lived.wrong is not None],
        switches=sum(lived.switches for lived in runs.values()),
        acknowledged=sum(lived.acknowledged for lived in runs.values()),
    )


def main(count: int) -> int:
    """Tell what came of so many seeds; 1 if anything went wrong."""
    outcome = live_through(range(count))
    print(  # noqa: T201 - a command
        f"{count:,} seeds: {outcome.switches:,} switches committed,"
        f" {outcome.acknowledged:,} writes acknowledged, {len(outcome.failed)} seeds went wrong"
    )
    for seed in outcome.failed[:3]:
        print(story(seed))  # noqa: T201 - a command
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
