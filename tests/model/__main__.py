"""`make explore`: every state of a switch during which a leader or an operator changes its mind.

Too long for each run of the tests, which look at those without such a change.
"""

import gc
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.model.explorer import explore
from tests.model.moves import beginning
from tests.model.world import ONE_WRITE, Flaws

_WORLDS = {
    "one change of leader, at any moment": ONE_WRITE._replace(crashes=1),
    "an operator's abort, at any moment": ONE_WRITE._replace(aborts=1),
    "a log that loses its tail, at any moment": ONE_WRITE._replace(losses=1),
}


def main() -> int:
    """Tell how many states each has; 1 if in one of them something is wrong."""
    with ProcessPoolExecutor(initializer=gc.disable) as pool:
        began = time.monotonic()
        exploring = {
            name: pool.submit(explore, beginning(1, left), Flaws())
            for name, left in _WORLDS.items()
        }
        results = {name: found.result() for name, found in exploring.items()}
    for name, found in results.items():
        wrong = f"{found.wrong}: {' > '.join(found.way)}" if found.wrong else "nothing wrong"
        sys.stdout.write(f"{name}: {found.states:,} states, {wrong}\n")
    sys.stdout.write(f"in {time.monotonic() - began:.0f} s\n")
    return 1 if any(found.wrong for found in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
