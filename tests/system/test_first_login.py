"""A script creates a virtual cluster and logs in at once."""

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from sandbox.process import wait_until
from tests.system.operator import Operator

pytestmark = pytest.mark.environment


def test_a_new_virtual_cluster_can_be_used_as_soon_as_its_token_is_there(operator: Operator):
    for number in range(8):
        gateway = number % 2
        errors: list[str] = []
        settings = operator.client(f"fresh{number}-", gateway)
        admin = AdminClient({**settings, "error_cb": lambda e, seen=errors: seen.append(str(e))})
        admin.create_topics([NewTopic("first", 1, 1)])["first"].result(20)
        assert errors == []


def test_all_of_many_topics_that_are_created_at_once_are_noted_once(operator: Operator):
    names = [f"topic{number:03}" for number in range(200)]
    admin = AdminClient(operator.client("many-"))
    asked = admin.create_topics([NewTopic(name, 1, 1) for name in names])
    for future in asked.values():
        future.result(60)
    wait_until(lambda: len(_noted(operator, "many-")) >= len(names), "they are noted")
    assert sorted(_noted(operator, "many-")) == names
    operator.forget("many-")


def _noted(operator: Operator, vcluster: str) -> list[str]:
    found = operator.events(kind="topic.mapped")
    return [event["data"]["logical"] for event in found if event["data"]["vcluster"] == vcluster]
