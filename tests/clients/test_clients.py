"""The most telling clients of the matrix; `make clients` runs them all."""

import pytest

from clients.catalogue import CLIENTS, CONNECT, STREAMS, Client
from clients.exercise import exercise
from clients.target import Target

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]

TELLING = ("java-2.8", "java-4.3", "confluent-kafka", "aiokafka")


@pytest.mark.parametrize(
    "client",
    [*(c for c in CLIENTS if c.name in TELLING), STREAMS, CONNECT],
    ids=lambda client: client.name,
)
def test_client(client: Client, gateway: Target):
    record = exercise(client, gateway)
    assert record.failures == []
