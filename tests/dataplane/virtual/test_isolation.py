"""No foreign name reaches a client and no logical name reaches a broker, in any API and version."""

import pytest

from dataplane.virtual.apis import APIS
from dataplane.virtual.programs import request_program, response_program
from dataplane.wire.schema import api_name
from tests.dataplane.virtual.instances import (
    MARKS,
    OFFERED,
    VIEW,
    Oracle,
    decoded,
    fact_of,
    generated,
    request_frame,
    response_frame,
)

SEEDS = range(6)
MESSAGES = [pytest.param(k, v, id=f"{APIS[k].name}-{v}") for k, v in OFFERED]
FACTS = {11: b"consumer", 22: False}


@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_a_request_reaches_the_broker_with_physical_names_and_otherwise_unchanged(key, version):
    program = request_program(key, version)
    for seed in SEEDS:
        body = generated(key, version, "request", seed)
        pieces, fact = program(request_frame(key, version, body), VIEW)
        sent = decoded(key, version, "request", b"".join(pieces))
        assert sent == Oracle(api_name(key), "request", None).entity(body)
        assert fact == fact_of(key, body)


@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_an_answer_reaches_the_client_without_anything_foreign(key, version):
    program = response_program(key, version)
    fact = FACTS.get(key)
    for seed in SEEDS:
        body = generated(key, version, "response", seed)
        seen = b"".join(program(response_frame(key, version, body), VIEW, fact))
        assert decoded(key, version, "response", seen) == Oracle(
            api_name(key), "response", fact
        ).entity(body)
        assert not [mark for mark in MARKS if mark in seen]
