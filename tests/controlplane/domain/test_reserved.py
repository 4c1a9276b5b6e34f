"""What is the system's on the physical clusters, and who has a name that reaches it."""

from controlplane.domain import events
from controlplane.domain.reserved import reserved_topics
from controlplane.domain.switch.readiness import reserved_checks
from tests.controlplane.histories import OPEN, TEAM_A, described, facts_of

OLD = events.VirtualClusterCreated(name="heart", scope="main", cluster_id="y")


def test_a_tenant_that_was_given_such_a_name_before_is_named_and_stands_in_nobodys_way():
    facts = facts_of(described("main", 1), OPEN, TEAM_A, OLD)
    (check,) = reserved_checks(facts, "main")
    assert check.passed
    assert "virtual cluster heart" in check.detail
    assert "heartbeats" in check.detail
    assert list(reserved_checks(facts, "other")) == []


def test_the_systems_topics_are_those_of_every_cluster():
    facts = facts_of(described("main", 1), described("failover", 1, index=1), OPEN)
    assert {"main.checkpoints.internal", "mm2-configs.failover.internal"} <= reserved_topics(facts)
