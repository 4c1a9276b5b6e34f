"""The most telling clients of the matrix; `make clients` runs them all."""

import pytest

from clients.catalogue import CLIENTS, STREAMS, Client
from clients.exercise import exercise
from clients.target import Target

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]

TELLING = ("java-4.3", "java-4.3-848", "confluent-kafka", "confluent-kafka-848")


@pytest.mark.parametrize(
    "client",
    [*(c for c in CLIENTS if c.name in TELLING), STREAMS],
    ids=lambda client: client.name,
)
def test_client(client: Client, gateway: Target):
    record = exercise(client, gateway)
    assert record.failures == []
