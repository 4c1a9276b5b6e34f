"""One mirror for several scopes: what it leaves out, and when it turns round, with whose cuts."""

import pytest

from controlplane.domain import events
from controlplane.domain.facts import Facts
from controlplane.domain.mirror.request import RequestReversal, due_reversal, request_reversal
from controlplane.domain.mirror.together import copied_scopes, left_out
from controlplane.domain.refusal import Conflict
from controlplane.domain.switch import events as switch
from tests.controlplane.domain.switch.ways import requested, to_the_commit
from tests.controlplane.histories import OPEN, TEAM_A, facts_of, take

WAVE = (
    events.ScopeAdded(scope="wave1", cluster="main"),
    events.VirtualClusterCreated(name="other", scope="wave1", cluster_id="y"),
)
REVERSE = RequestReversal(reversal_id="r1", scope="main", runner="process")


def move(facts: Facts, scope: str, ends: switch.Ends | None) -> None:
    """Switch a scope, with the ends that the proof found, if it looked."""
    id_ = f"of {scope}"
    cut = switch.CutRecorded(switch_id=id_, source_ends=ends or (), target_ends=ends or ())
    for event in (
        requested(switch_id=id_, scope=scope),
        *to_the_commit(id_),
        *([cut] if ends is not None else []),
        switch.SwitchCommitted(switch_id=id_, epoch=1),
        switch.SwitchCompleted(switch_id=id_, fenced_ms=1, total_ms=1),
    ):
        take(facts, event)


@pytest.mark.parametrize("order", [("main", "wave1"), ("wave1", "main")])
def test_the_mirror_turns_round_once_all_have_moved_with_the_cuts_of_all(
    order: tuple[str, str],
) -> None:
    facts = facts_of(OPEN, TEAM_A, *WAVE)
    cuts = {"main": (("teamAt-0", 5),), "wave1": (("othert-0", 7),)}
    move(facts, order[0], cuts[order[0]])
    assert not due_reversal(facts, "main")
    if order[0] == "main":
        with pytest.raises(Conflict, match="for scope wave1, which another cluster serves"):
            request_reversal(facts, REVERSE)
    move(facts, order[1], cuts[order[1]])
    assert due_reversal(facts, "main")
    (event,) = request_reversal(facts, REVERSE)
    assert getattr(event, "cut", None) == (*cuts["main"], *cuts["wave1"])


def test_a_scope_that_moved_without_a_proof_has_to_be_compared_first() -> None:
    facts = facts_of(OPEN, TEAM_A, *WAVE)
    move(facts, "wave1", None)
    move(facts, "main", ())
    assert not due_reversal(facts, "main")
    with pytest.raises(Conflict, match="--find-cut"):
        request_reversal(facts, REVERSE)


def test_a_scope_without_virtual_clusters_holds_nothing_up() -> None:
    facts = facts_of(OPEN, TEAM_A, WAVE[0])
    move(facts, "main", ())
    assert due_reversal(facts, "main")


def test_what_another_cluster_serves_is_left_out() -> None:
    facts = facts_of(OPEN, TEAM_A, *WAVE)
    assert left_out(facts, "main") == ()
    move(facts, "wave1", ())
    assert left_out(facts, "main") == ("other",)
    assert left_out(facts, "failover") == ("teamA",)
    assert copied_scopes(facts, "main") == ("main",)


def test_nothing_is_left_out_once_all_have_moved() -> None:
    facts = facts_of(OPEN, TEAM_A, *WAVE)
    move(facts, "wave1", ())
    move(facts, "main", None)
    assert left_out(facts, "main") == ()
