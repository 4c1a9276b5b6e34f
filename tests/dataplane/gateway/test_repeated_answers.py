"""Client libraries take the answer to a repeated write for a success, and go on.

Each write of an idempotent producer is appended by the broker, and answered by the gateway as if it
had been appended before a switch. The exercise then has to find exactly what it produced.
`make clients` runs this with every library.
"""

import asyncio

import pytest

from clients.catalogue import Client
from clients.exercise import exercise
from clients.target import Target
from dataplane.gateway.relay import PRODUCE, Relay
from dataplane.virtual.messages import blank, decode_request, encode_response
from dataplane.virtual.repetitions import told_repeated
from dataplane.wire.schema import entity_of
from tests.dataplane.gateway.conftest import ONLY_INTERPRETED
from tests.dataplane.gateway.libraries import LIBRARIES

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300), ONLY_INTERPRETED]

WITHOUT_IDEMPOTENCE = "kafka-go"
PRODUCER_ID, ATTRIBUTES, TRANSACTIONAL = slice(43, 51), slice(21, 23), 0x10


def is_idempotent(batch: bytes) -> bool:
    """Whether its producer has an id, and writes outside of transactions."""
    producer = int.from_bytes(batch[PRODUCER_ID], signed=True)
    return producer >= 0 and not int.from_bytes(batch[ATTRIBUTES]) & TRANSACTIONAL


class Repeating:
    """Makes a gateway answer so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answered = 0
        take_answer = Relay._take_answer

        def take_and_exchange(relay, frame, now):
            request = relay._exchange._sent[0] if relay._exchange.in_flight else None
            take_answer(relay, frame, now)
            if request is not None and request.api.key == PRODUCE:
                self._exchange(request)

        monkeypatch.setattr(Relay, "_take_answer", take_and_exchange)

    def _exchange(self, request) -> None:
        header, body = decode_request(request.frame)
        batches = [p.records for topic in body.topic_data for p in topic.partition_data]
        if not all(is_idempotent(batch) for batch in batches):
            return
        response = entity_of(header.api_key, header.version, "response")
        told = told_repeated(header, list(body.topic_data))
        request.answer = [encode_response(header, blank(response, responses=told))]
        self.answered += 1


@pytest.mark.parametrize(
    "client",
    [client for client in LIBRARIES if client.name != WITHOUT_IDEMPOTENCE],
    ids=lambda client: client.name,
)
async def test_a_library_goes_on(client: Client, stage, monkeypatch):
    repeating = Repeating(monkeypatch)
    target = Target("repeating", stage.bootstrap, "sa", stage.token())
    record = await asyncio.to_thread(exercise, client, target)
    assert record.failures == []
    assert repeating.answered > 0
