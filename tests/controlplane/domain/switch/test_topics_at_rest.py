"""A tenant that makes topics all the time keeps no switch from going on, and loses none of them.

The switch's own steps and its memory decide; a cluster of names stands for both clusters.
"""

from hypothesis import given
from hypothesis import strategies as st

from contract.session import Unrest
from controlplane.coordinator.memory import Memory
from controlplane.domain.parity.made import Parity
from controlplane.domain.switch import events
from controlplane.domain.switch.state import Switch
from controlplane.domain.switch.step import Append
from controlplane.domain.switch.steps import next_steps
from controlplane.domain.switch.transitions import Phase
from controlplane.domain.switch.view import MirrorState
from tests.controlplane.domain.switch.situations import node, switch, view

LOOK_S = 0.5
QUIET = node("n1", "serving", unrest=Unrest())


class Tenant:
    """Makes a topic each so many seconds, until nodes let it wait; the mirror follows each."""

    def __init__(self, every_s: float, mirror_takes_s: float) -> None:
        self.every_s = every_s
        self.mirror_takes_s = mirror_takes_s
        self.waits_since: float | None = None

    def not_copied(self, now: float) -> tuple[str, ...]:
        """Topics that the target has not yet."""
        last = now if self.waits_since is None else self.waits_since
        made = int(last / self.every_s) + 1
        late = (n for n in range(made) if now - n * self.every_s < self.mirror_takes_s)
        return tuple(f"t{n}-0" for n in late)


def brought_to_rest(at: Switch) -> Switch:
    """What the events of the fold would make of it."""
    return switch(
        Phase.QUIESCING, quiesce_budget_s=at.quiesce_budget_s, quiesce_seq=10, hold_seq=11
    )


def lived(tenant: Tenant) -> list[tuple[float, str]]:
    """The events of the switch with their times, up to the fence or the abort."""
    at = switch(Phase.PREPARING, quiesce_budget_s=10.0)
    memory, now, told = Memory(requested_at=0.0), 0.0, list[tuple[float, str]]()
    while now < 60.0:
        memory.see(at, 0, now)
        seen = view(
            at,
            QUIET,
            mirror=memory.mirror,
            parity=Parity(),
            ghosts_removed=0,
            phase_seen_at=memory.phase_seen_at[at.phase],
            progress_told_at=told[-1][0] if told else 0.0,
        )
        for step in next_steps(seen, now):
            if isinstance(step, Append):
                told += [(now, event.kind) for event in step.events]
                if isinstance(step.events[-1], events.QuiesceOrdered):
                    tenant.waits_since, at = now, brought_to_rest(at)
                elif not isinstance(step.events[-1], events.MirrorAwaited):
                    return told
            else:
                far = tenant.not_copied(now)
                memory.saw_mirror(MirrorState(at=now, partitions=9, behind=far, far_behind=far))
        now += LOOK_S
    return told


@given(
    every_s=st.floats(0.1, 3.0),
    mirror_takes_s=st.floats(0.1, 4.0),
)
def test_who_makes_topics_all_the_time_stops_no_switch_and_loses_none(every_s, mirror_takes_s):
    tenant = Tenant(every_s, mirror_takes_s)
    ordered, fenced = (event for event in lived(tenant) if event[1] != "switch.mirror_awaited")
    assert (ordered[1], fenced[1]) == ("switch.quiesce_ordered", "switch.fence_ordered")
    assert tenant.not_copied(fenced[0]) == (), "what was made last was copied before the fence"
    assert fenced[0] - ordered[0] <= mirror_takes_s + 4 * LOOK_S


def test_a_mirror_that_makes_no_topics_is_found_out_before_anybody_waits():
    told = lived(Tenant(every_s=1.0, mirror_takes_s=1e9))
    assert [kind for _, kind in told][-1] == "switch.abort_requested"
    assert "switch.quiesce_ordered" not in [kind for _, kind in told]


def test_who_waits_for_a_topic_that_never_comes_does_not_wait_for_ever():
    class Odd(Tenant):
        def not_copied(self, now: float) -> tuple[str, ...]:
            return () if self.waits_since is None else ("last-0",)[: int(now) + 1]

    (began, ordered), *_, (at, ended) = lived(Odd(1.0, 1.0))
    assert (ordered, ended) == ("switch.quiesce_ordered", "switch.abort_requested")
    assert at - began <= 20.0 + 2 * LOOK_S
