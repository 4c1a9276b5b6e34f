"""The switch protocol, on production's own classes: it holds, and each of its rules is needed."""

import gc
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from controlplane.domain.switch.rules import Rules
from controlplane.domain.switch.transitions import Phase
from tests.model.explorer import Found, explore, follow, shortened, wander, wander_often
from tests.model.moves import beginning
from tests.model.nodes import is_serving
from tests.model.unsafe import (
    DrainedWithConnections,
    KeepsConnectionsAfterGap,
    RelaysWithoutLease,
)
from tests.model.world import OLD, ONE_WRITE, Flaws, Left, World

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

SOUND = Flaws()
WALKS = 2000
PART = 250
"""Walks that one process takes at a time."""
STEPS = 400
NOTHING = ONE_WRITE._replace(writes=0)
LEADER_CHANGES = NOTHING._replace(crashes=1, bypasses=1)

ABLATIONS = {
    "C1 every member": (Flaws(Rules(c1_every_member=False)), ONE_WRITE),
    "C1 the fence is published": (Flaws(Rules(c1_published_fence=False)), ONE_WRITE),
    "C2 wait from the own lead": (Flaws(Rules(c2_wait_from_own_lead=False)), ONE_WRITE),
    "C2 grants below the fence": (Flaws(grant_to_anyone=True), ONE_WRITE),
    "C3 prove again": (Flaws(Rules(c3_prove_again=False)), LEADER_CHANGES),
    "C4 abort or commit": (Flaws(Rules(c4_abort_or_commit=False)), NOTHING),
    "C7 positions first": (Flaws(Rules(c7_positions_first=False)), ONE_WRITE),
    "C8 numbers first": (Flaws(Rules(c8_numbers_first=False)), ONE_WRITE),
    "C9 parity first": (Flaws(Rules(c9_parity_first=False)), ONE_WRITE),
    "C6 deadline": (Flaws(Rules(c6_deadline=False)), NOTHING),
    "N3 relay without lease": (Flaws(relay=RelaysWithoutLease), ONE_WRITE),
    "N4 lease from receipt": (Flaws(n4_lease_from_receipt=True), ONE_WRITE),
    "N5 connections kept": (Flaws(scope=KeepsConnectionsAfterGap), ONE_WRITE),
    "N6 drained with requests": (Flaws(scope=DrainedWithConnections), ONE_WRITE),
}


def after_an_abort() -> World:
    """A node said that it is drained, the switch was aborted, and the node serves again."""
    names = (
        *("request", "lead", "publish", "publish", "lead"),
        *("n0 reads the topic", "n0 reports, hears nothing"),
        *("abort", "lead", "publish", "n0 reads the topic"),
    )
    world = follow(beginning(1, ONE_WRITE._replace(switches=2, aborts=1)), SOUND, names)
    assert world.switch is not None
    assert world.switch.phase is Phase.ABORTED
    standing = world.nodes[0].state.standing(OLD)
    assert standing is not None
    assert standing.phase == "serving"
    return world


UNCOMPARED = {
    "a log is decided on of which nodes know more": Flaws(compares=False),
    "leases by a log of which nodes know more": Flaws(grants_on_any_log=True),
}


TO_THE_COMMIT = (
    *("request", "publish", "lead", "publish", "lead", "tick", "tick"),
    *("lead", "lead", "lead", "tick", *("lead",) * 7, "publish"),
)
"""Of a switch, with a node that hears nothing and has let its lease run out."""


def committed(writes: int) -> World:
    """The log can lose its tail from here on, a commit that was broadcast with it."""
    world = follow(beginning(1, NOTHING._replace(losses=1)), SOUND, TO_THE_COMMIT)
    assert world.mirrored_at_commit is not None
    assert world.published == len(world.records)
    return replace(world, left=world.left._replace(writes=writes))


def taken_back_behind_the_fence() -> World:
    """The log has lost that a switch was asked for, whose fence was broadcast; it may be again."""
    begun = beginning(1, NOTHING._replace(losses=1))
    names = "request", "lead", "publish", "publish", "lead", "n0 reads the topic"
    fenced = follow(begun, SOUND, names)
    everything = f"lose {len(fenced.backups) - 1} events"
    names = everything, "take back", "publish", "n0 reads the topic"
    world = follow(fenced, SOUND, names)
    assert (world.switch, is_serving(fenced.nodes[0])) == (None, False)
    assert is_serving(world.nodes[0])
    return replace(world, left=world.left._replace(switches=1))


LOSSES = {
    "a log that loses its tail": beginning(1, NOTHING._replace(losses=1)),
    "a log that loses a commit, with writes": committed(writes=2),
    "a switch after a log took back what was broadcast": taken_back_behind_the_fence(),
}
WORLDS = {
    "one switch": (beginning(1, ONE_WRITE), SOUND),
    "after an abort": (after_an_abort(), SOUND),
    **{name: (world, SOUND) for name, world in LOSSES.items()},
    "C5": (after_an_abort(), Flaws(Rules(c5_current_reports_only=False))),
    **{rule: (beginning(1, left), flaws) for rule, (flaws, left) in ABLATIONS.items()},
    **{rule: (committed(writes=1), flaws) for rule, flaws in UNCOMPARED.items()},
}
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
            {name: pool.submit(explore, *world) for name, world in WORLDS.items()},
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


@pytest.mark.parametrize("rule", [*ABLATIONS, *UNCOMPARED])
def test_without_a_rule_something_goes_wrong(running: Running, rule: str):
    found = running.explored[rule].result()
    assert found.wrong is not None
    world, flaws = WORLDS[rule]
    assert follow(world, flaws, found.way).wrong == found.wrong


def test_without_c5_an_old_report_is_taken_for_one_of_this_switch(running: Running):
    assert running.explored["C5"].result().wrong is not None


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
