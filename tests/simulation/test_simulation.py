"""Production's coordinator and node, five gateways and three control planes, in a world that fails.

What the explorer (`tests/model`) leaves out is here: time that passes by different clocks, several
leaders, several switches one after the other, and writers that send again what nobody answered.
"""

import pytest

from controlplane.domain.switch.rules import Rules
from tests.simulation.faults import PLANES, Fault
from tests.simulation.seeds import live_through
from tests.simulation.shrinking import shortened, story
from tests.simulation.world import Flaws, Plan, run

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

SEEDS = 1000

ABLATIONS = {
    "C1 every member": Flaws(Rules(c1_every_member=False)),
    "C4 abort or commit": Flaws(Rules(c4_abort_or_commit=False)),
    "C6 deadline": Flaws(Rules(c6_deadline=False)),
    "C7 positions first": Flaws(Rules(c7_positions_first=False)),
    "C8 numbers first": Flaws(Rules(c8_numbers_first=False)),
    "C9 parity first": Flaws(Rules(c9_parity_first=False)),
    "what producers had written": Flaws(known=False),
    "a log that lost its tail": Flaws(compares=False),
}
"""Those whose lack shows within some dozens of seeds; the explorer takes each one away."""


GIVEN_UP = (
    52671,
    Plan(
        switches=(),
        lost_at=9.29172490178111,
        aborted_at=None,
        faults=(Fault(at=3.45, whom="gateway4", kind="stopped", seconds=6.55),),
    ),
)
"""A node holds a write that its client has sent elsewhere long ago; then a switch is forced, which
records nothing of producers."""

SEEN = (
    (
        1,
        Plan(
            switches=(3.0, 8.0),
            lost_at=None,
            aborted_at=None,
            faults=(
                Fault(2.9, "gateway1", "without planes", 5.0),
                *(Fault(2.9, plane, "without topic", 5.0) for plane in PLANES),
            ),
        ),
    ),
    GIVEN_UP,
    (
        57941,
        Plan(
            switches=(4.76, 11.87),
            lost_at=12.887410782574555,
            aborted_at=None,
            faults=(
                Fault(at=4.66, whom="gateway4", kind="mute", seconds=2.01),
                Fault(at=8.37, whom="failover", kind="slow", seconds=0.49),
                Fault(at=9.07, whom="gateway5", kind="without control", seconds=3.27),
            ),
        ),
    ),
)
"""Runs that are told by their faults: a node stays fresh by a topic that lacks the fence; a node
holds what is given up; a forced switch is aborted by its budget of five seconds three times."""


@pytest.mark.parametrize(("seed", "plan"), SEEN)
def test_what_was_seen_once_does_not_come_back(seed, plan):
    assert run(seed, plan).wrong is None


CALM = Plan(switches=(3.0,), lost_at=None, aborted_at=None, faults=())
LOST = CALM._replace(switches=(), lost_at=3.0)
LIVES = {
    "planned": CALM,
    "planned, and undone": CALM._replace(aborted_at=3.6),
    "forced": LOST,
    "forced without a node": LOST._replace(faults=(Fault(3.0, "gateway1", "stopped", 9.0),)),
}
"""Switches that have, together, the events that a switch has in this world."""

LIVED = {  # Budgets are too short here for `mirror_awaited`, which changes nothing.
    "switch.requested",
    "switch.preflight_passed",
    "switch.quiesce_ordered",
    "switch.transactions_held",
    "switch.fence_ordered",
    "switch.node_drained",
    "switch.node_fenced",
    "switch.barrier_reached",
    "switch.source_frozen",
    "switch.caught_up",
    "switch.positions_translated",
    "switch.loss_recorded",
    "switch.lag_waived",
    "switch.numbering_decided",
    "switch.committed",
    "switch.node_resumed",
    "switch.completed",
    "switch.abort_requested",
    "switch.aborted",
}


def kinds(story: tuple[str, ...]) -> set[str]:
    return {line.rpartition(" ")[2] for line in story}


def test_a_switch_goes_on_from_a_log_that_ends_after_any_of_its_events():
    """`make crashes` does the same to processes."""
    crashed = set()
    for name, plan in LIVES.items():
        for kind in sorted(kinds(run(1, plan).story)):
            life = run(1, plan._replace(crash_at=kind))
            assert (name, kind, life.wrong) == (name, kind, None)
            crashed.add(kind)
    assert crashed == LIVED


def test_in_no_seed_does_anything_go_wrong():
    outcome = live_through(range(SEEDS))
    if outcome.failed:
        pytest.fail(story(outcome.failed[0]))
    # Where the log loses its tail, switches that were asked for meanwhile are not begun.
    assert outcome.switches > 0.9 * SEEDS


@pytest.mark.parametrize("rule", ABLATIONS)
def test_without_a_rule_something_goes_wrong_in_some_seed(rule):
    flaws = ABLATIONS[rule]
    seed = next(seed for seed in range(200) if run(seed, Plan.of(seed), flaws).wrong)
    plan = shortened(seed, Plan.of(seed), flaws)
    assert run(seed, plan, flaws).wrong is not None
    assert len(plan.faults) <= len(Plan.of(seed).faults)


def test_what_clients_have_given_up_would_come_to_stand_behind_what_they_sent_since():
    seed, plan = GIVEN_UP
    assert run(seed, plan, Flaws(hangs_up=False)).wrong == "32.00 s: writer3 is not served"


def test_a_seed_is_always_the_same_run():
    assert run(7, Plan.of(7)) == run(7, Plan.of(7))


def test_a_story_ends_with_the_line_that_makes_a_test_of_it():
    flaws = Flaws(known=False)
    seed = next(seed for seed in range(200) if run(seed, Plan.of(seed), flaws).wrong)
    *_, line = story(seed, flaws).splitlines()
    assert line.startswith(f"for test_simulation.SEEN: ({seed}, Plan(switches=")
