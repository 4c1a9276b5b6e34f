"""The switch protocol, on production's own classes: it holds, and each of its rules is needed."""

import gc
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import NamedTuple

import pytest

from tests.model.explorer import Found, explore, follow, shortened, wander, wander_often
from tests.model.known_ways import known_ways
from tests.model.moves import beginning
from tests.model.unsafe import KeepsConnectionsAfterGap
from tests.model.world import Flaws, Left
from tests.model.worlds import LOSSES, SAFE, SOUND, UNSAFE

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

WALKS = 2000
PART = 250
"""Walks that one process takes at a time."""
STEPS = 400
THREE_NODES = beginning(3, Left(switches=3, crashes=1, aborts=1, restarts=1, writes=6, bypasses=1))


class Running(NamedTuple):
    """Everything that is looked for, under way on all processors."""

    explored: dict[str, Future[Found]]
    walked: list[Future[tuple[int, Found] | None]]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    # All states are kept, none is garbage: looking for some takes a tenth of the time.
    with ProcessPoolExecutor(initializer=gc.disable) as pool:
        yield Running(
            {name: pool.submit(explore, world, SOUND) for name, world in SAFE.items()},
            [
                pool.submit(wander_often, THREE_NODES, SOUND, range(at, at + PART), STEPS)
                for at in range(0, WALKS, PART)
            ],
        )
        pool.shutdown(cancel_futures=True)


def test_in_no_state_is_anything_wrong(running: Running):
    found = running.explored["one switch"].result()
    assert found.wrong is None
    assert found.states > 100_000


def test_nor_after_an_abort(running: Running):
    assert running.explored["after an abort"].result().wrong is None


@pytest.mark.parametrize("name", LOSSES)
def test_nor_where_the_log_loses_its_newest_events(running: Running, name: str):
    assert running.explored[name].result().wrong is None


@pytest.mark.parametrize("rule", UNSAFE)
def test_without_a_rule_something_goes_wrong_and_with_it_the_same_moves_do_no_harm(rule: str):
    (world, flaws), way = UNSAFE[rule], known_ways()[rule]
    assert follow(world, flaws, way).wrong is not None, "make explore: is there another way?"
    assert follow(world, SOUND, way).wrong is None


def test_by_chance_three_nodes_come_to_no_harm(running: Running):
    for seeds in running.walked:
        if (failed := seeds.result()) is not None:
            seed, found = failed
            pytest.fail(f"seed {seed}: {shortened(THREE_NODES, SOUND, found.way)}")


def test_a_walk_finds_what_is_wrong_and_tells_the_shortest_story_of_it():
    flaws = Flaws(scope=KeepsConnectionsAfterGap)
    start = beginning(3, Left(writes=6))
    found = next(f for seed in range(500) if (f := wander(start, flaws, seed, STEPS)).wrong)
    story = shortened(start, flaws, found.way)
    assert len(story) < len(found.way)
    assert follow(start, flaws, story).wrong is not None
