"""What is asked for again and again costs the same however much there is that it is not about."""

from collections.abc import Callable
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from contract.records import Node, TopicMapping
from controlplane.api import metrics
from controlplane.domain import events
from controlplane.domain.facts import Facts
from controlplane.domain.mirror import events as mirror
from controlplane.domain.mirror.request import due_reversal, last_committed
from controlplane.domain.switch import events as switch
from tests.controlplane.domain.switch.ways import requested, to_the_commit
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of, mapped, take
from tests.work import work_of


def grown(size: int) -> Facts:
    """One tenant with three topics; beside it so many switches, reversals and others' topics."""
    facts = facts_of(described("main", 1, 2), OPEN, TEAM_A)
    for logical in "abc":
        take(facts, mapped("teamA", logical))
    for number in range(size):
        name = f"other{number:03}"
        take(facts, events.VirtualClusterCreated(name=name, scope="elsewhere", cluster_id=name))
        take(facts, mapped(name, "topic"))
        _switch_there_and_turn_the_mirror(facts, number)
    return facts


def _switch_there_and_turn_the_mirror(facts: Facts, number: int) -> None:
    there, back = ("main", "failover") if number % 2 == 0 else ("failover", "main")
    id_ = f"switch{number:03}"
    asked = requested(switch_id=id_, from_cluster=there, to_cluster=back, expected_epoch=number)
    ended = switch.SwitchCompleted(switch_id=id_, fenced_ms=1, total_ms=1)
    committed = switch.SwitchCommitted(switch_id=id_, epoch=number + 1)
    turned = mirror.ReversalRequested(
        reversal_id=f"turn{number:03}",
        scope="main",
        source=back,
        target=there,
        switch_id=id_,
        runner="process",
        cut=None,
        resumes=False,
    )
    failed = mirror.ReversalFailed(reversal_id=f"turn{number:03}", cause="x")
    for event in [asked, *to_the_commit(id_), committed, ended, turned, failed]:
        take(facts, event)


SMALL, LARGE = grown(10), grown(20)

ASKED: dict[str, Callable[[Facts], object]] = {
    "open switches": lambda facts: facts.open_switches(),
    "the open switch": lambda facts: facts.open_switch("main"),
    "the open reversal": lambda facts: facts.open_reversal("main"),
    "the newest reversal": lambda facts: facts.newest_reversal("main"),
    "the reversal after the first switch": lambda facts: facts.reversal_after("switch000"),
    "whether a reversal is due": lambda facts: due_reversal(facts, "main"),
    "the newest committed switch": lambda facts: last_committed(facts, "main"),
    "a tenant's topics": lambda facts: facts.topics_of("teamA"),
    "how many topics a tenant has": lambda facts: facts.control.count(TopicMapping, "teamA"),
    "whose a topic is": lambda facts: facts.owner_of("teamAa"),
    "what a lease has to have seen": lambda facts: facts.control.fence_seq(),
    "what is new": lambda facts: facts.control.records_after(facts.seq - 1),
    "the digest": lambda facts: facts.control.digest(),
    "nodes": lambda facts: facts.control.of(Node),
    "metrics of scopes": lambda facts: metrics._scopes(CollectorRegistry(), facts, ["main"]),
    "metrics of switches": lambda facts: metrics._switches(CollectorRegistry(), facts),
    "metrics of nodes": lambda facts: metrics._nodes(CollectorRegistry(), facts, {}),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_it_costs_the_same_in_a_log_twice_as_long(ask: Callable[[Facts], object]):
    for facts in (SMALL, LARGE):
        ask(facts)
    assert work_of(partial(ask, SMALL)) == work_of(partial(ask, LARGE))


def test_what_walks_all_is_seen_by_the_count():
    """Else the others show nothing."""

    def walk(facts: Facts) -> object:
        return facts.control.of(TopicMapping)

    assert work_of(partial(walk, LARGE)) > work_of(partial(walk, SMALL)) + 10


def test_a_change_of_one_tenant_has_no_other_s_topics_sorted_again():
    def change_and_ask(size: int) -> int:
        facts = grown(size)
        list(facts.control.of(TopicMapping))
        take(facts, mapped("teamA", "a", partitions=2))
        return work_of(lambda: facts.topics_of("teamA"))

    assert change_and_ask(3) == change_and_ask(6)
