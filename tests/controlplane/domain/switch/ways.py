"""Events that lead a switch from its request to where a test goes on with it."""

from typing import Any

from msgspec.structs import replace

from controlplane.domain.switch import events

REQUESTED = events.SwitchRequested(
    switch_id="s",
    scope="main",
    from_cluster="main",
    to_cluster="failover",
    mode="planned",
    expected_epoch=0,
    budget_s=60.0,
    mirror_budget_s=30.0,
)


def requested(**changes: Any) -> events.SwitchRequested:
    """The same, but for some fields."""
    return replace(REQUESTED, **changes)


def to_the_fence(switch_id: str) -> list[events.SwitchEvent]:
    return [
        events.PreflightPassed(switch_id=switch_id, checks=()),
        events.FenceOrdered(switch_id=switch_id, participants=()),
    ]


def to_the_commit(switch_id: str) -> list[events.SwitchEvent]:
    return [*to_the_fence(switch_id), *from_the_fence_to_the_commit(switch_id)]


def from_the_fence_to_the_commit(switch_id: str) -> list[events.SwitchEvent]:
    return [
        events.BarrierReached(switch_id=switch_id, duration_ms=1, by_report=0, by_lease=0),
        events.LagWaived(switch_id=switch_id),
    ]
