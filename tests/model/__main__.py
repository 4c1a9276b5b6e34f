"""`make explore`: every state of a switch during which a leader or an operator changes its mind.

Too long for each run of the tests, which look at those without such a change. For each rule it
looks anew for the shortest way to what goes wrong without it, which the tests then go.
"""

import gc
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.model.explorer import explore
from tests.model.known_ways import find_ways, keep_ways
from tests.model.moves import beginning
from tests.model.world import ONE_WRITE, Flaws

_WORLDS = {
    "one change of leader, at any moment": ONE_WRITE._replace(crashes=1),
    "an operator's abort, at any moment": ONE_WRITE._replace(aborts=1),
    "a log that loses its tail, at any moment": ONE_WRITE._replace(losses=1),
}


def main() -> int:
    """Tell how many states each has; 1 if something is wrong, or a rule is not needed."""
    with ProcessPoolExecutor(initializer=gc.disable) as pool:
        began = time.monotonic()
        exploring = {
            name: pool.submit(explore, beginning(1, left), Flaws())
            for name, left in _WORLDS.items()
        }
        results = {name: found.result() for name, found in exploring.items()}
        ways = find_ways(pool)
    for name, found in results.items():
        wrong = f"{found.wrong}: {' > '.join(found.way)}" if found.wrong else "nothing wrong"
        sys.stdout.write(f"{name}: {found.states:,} states, {wrong}\n")
    for rule, way in ways.items():
        harm = f"harm is done in {len(way)} moves" if way else "nothing goes wrong"
        sys.stdout.write(f"without {rule}: {harm}\n")
    sys.stdout.write(f"in {time.monotonic() - began:.0f} s\n")
    if any(found.wrong for found in results.values()) or not all(ways.values()):
        return 1
    keep_ways(ways)
    return 0


if __name__ == "__main__":
    sys.exit(main())
