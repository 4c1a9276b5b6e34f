"""Who did what, and why: it stands in the log. That the log is intact is asserted for every file.

See `inspection`, which runs `interlock audit verify --against topic` after all that each file of
tests has done.
"""

from typing import Any

import pytest

from tests.system.operator import ADMIN, Operator

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

BY_ADMIN = f"user:{ADMIN[0]}"
BY_COORDINATOR = "system:coordinator"


def test_a_switch_says_who_asked_for_it_and_why(operator: Operator):
    seq = operator.events()[-1]["seq"]
    to = operator.other_cluster()
    forced = ("--mode", "forced", "--accept-loss", "--reason", "Tuesday's drill")
    done = operator.command("switch", "start", to, *forced)
    assert done.returncode == 0, done.stderr
    first, *rest = operator.events(after=seq, kind="switch")
    told = (first["kind"], first["actor"], first["reason"])
    assert told == ("switch.requested", BY_ADMIN, "Tuesday's drill")
    assert {event["actor"] for event in rest} == {BY_COORDINATOR}
    assert {event["subject"] for event in rest} == {first["subject"]}
    evidence = {e["data"]["node_id"] for e in rest if e["kind"] == "switch.node_drained"}
    assert evidence == {"gateway1", "gateway2"}


def test_an_account_s_life_is_told(operator: Operator, vcluster: str):
    seq = operator.events()[-1]["seq"]
    token = operator.token(vcluster)
    revoke = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/revoke"
    assert operator.call("POST", revoke).status_code == 204
    told = [event for event in operator.events(after=seq) if event["actor"] == BY_ADMIN]
    assert [event["kind"] for event in told] == [
        "vcluster.created",
        "account.created",
        "account.token_issued",
        "account.revoked",
    ]
    assert token not in str(told)


def test_a_topic_s_life_is_told(operator: Operator, vcluster: str):
    seq = operator.events()[-1]["seq"]
    operator.create_topic(vcluster, "orders")
    told: list[dict[str, Any]] = operator.events(after=seq, kind="topic.mapped")
    assert [(event["actor"], event["subject"]) for event in told] == [
        ("node:gateway1", f"topic/{vcluster}/orders")
    ]


def test_nodes_and_what_they_are_told_by(operator: Operator):
    actors = {event["actor"] for event in operator.events(kind="node.registered")}
    assert actors == {"node:gateway1", "node:gateway2"}
