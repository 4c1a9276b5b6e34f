"""A failing run without what it does not need, told in a form that becomes a test."""

from tests.simulation.world import SOUND, Flaws, Plan, run


def shortened(seed: int, plan: Plan, flaws: Flaws) -> Plan:
    """The plan without the faults and orders that the failure does not need."""
    for smaller in _smaller(plan):
        if run(seed, smaller, flaws).wrong is not None:
            return shortened(seed, smaller, flaws)
    return plan


def _smaller(plan: Plan) -> list[Plan]:
    """All plans with one thing less."""
    return [
        *(
            plan._replace(faults=plan.faults[:at] + plan.faults[at + 1 :])
            for at in range(len(plan.faults))
        ),
        *(
            plan._replace(switches=plan.switches[:at] + plan.switches[at + 1 :])
            for at in range(len(plan.switches))
        ),
        *([plan._replace(restored=None)] if plan.restored is not None else []),
        *([plan._replace(lost_at=None)] if plan.lost_at is not None else []),
        *([plan._replace(aborted_at=None)] if plan.aborted_at is not None else []),
    ]


def story(seed: int, flaws: Flaws = SOUND) -> str:
    """What to read of a seed that goes wrong, and the line to make a test of."""
    plan = shortened(seed, Plan.of(seed), flaws)
    found = run(seed, plan, flaws)
    return "\n".join(
        (
            f"seed {seed}: {found.wrong}",
            *(f"  {fault}" for fault in plan.faults),
            *(f"  {line}" for line in found.story),
            f"for test_simulation.SEEN: {(seed, plan)!r}",
        )
    )
