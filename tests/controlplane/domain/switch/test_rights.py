"""What the gateway may do on one cluster and not on the other, by name."""

from contract.mirror import Direction
from controlplane.domain.switch.rights import Rights, rights_checks

DIRECTION = Direction(source="main", target="failover")
READ, WRITE, CREATE = 1 << 3, 1 << 4, 1 << 5
OURS = Rights(cluster=CREATE, topics={"users": READ | WRITE, "orders": READ})


def told(theirs: Rights) -> list[tuple[bool, str]]:
    return [(check.passed, check.detail) for check in rights_checks(DIRECTION, OURS, theirs)]


def test_more_than_here_is_well():
    more = Rights(cluster=CREATE | READ, topics={"users": READ | WRITE | CREATE, "orders": READ})
    assert told(more) == [(True, "what the gateway may do on main, it may do on failover")]


def test_less_is_named():
    less = Rights(cluster=0, topics={"users": READ, "orders": 0})
    passed, details = zip(*told(less), strict=True)
    assert not any(passed)
    assert [detail.split(" on failover")[0] for detail in details] == [
        "the gateway's user may not CREATE the cluster",
        "the gateway's user may not WRITE topic users",
        "the gateway's user may not READ topic orders",
    ]


def test_a_topic_that_is_not_there_is_said_elsewhere():
    assert [passed for passed, _ in told(Rights(cluster=CREATE, topics={}))] == [True]


def test_many_are_counted():
    ours = Rights(cluster=0, topics={f"t{n}": READ for n in range(9)})
    theirs = Rights(cluster=0, topics=dict.fromkeys(ours.topics, 0))
    details = [check.detail for check in rights_checks(DIRECTION, ours, theirs)]
    assert len(details) == 6
    assert details[-1] == "the same of 4 more topics"
