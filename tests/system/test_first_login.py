"""A script creates a virtual cluster and logs in at once."""

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

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
