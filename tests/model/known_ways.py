"""By which moves something goes wrong without a rule: found by looking at all of them, and kept.

To look for the shortest takes up to a minute for each rule, to go one that is known no time.
"""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from tests.model.explorer import explore
from tests.model.worlds import UNSAFE

_FILE: Final = Path(__file__).with_name("known_ways.json")


def known_ways() -> dict[str, tuple[str, ...]]:
    """The moves, by the rule that is taken away."""
    ways = json.loads(_FILE.read_text(encoding="utf-8"))
    return {rule: tuple(way.split(" > ")) for rule, way in ways.items()}


def find_ways(pool: Executor) -> dict[str, tuple[str, ...]]:
    """Look for the shortest way in each world that lacks a rule; empty where there is none."""
    exploring = {rule: pool.submit(explore, *world) for rule, world in UNSAFE.items()}
    return {rule: found.result().way for rule, found in exploring.items()}


def keep_ways(ways: Mapping[str, tuple[str, ...]]) -> None:
    """Write down what was found."""
    text = json.dumps({rule: " > ".join(way) for rule, way in ways.items()}, indent=2)
    _FILE.write_text(f"{text}\n", encoding="utf-8")
