"""No foreign name reaches a client and no logical name reaches a broker, in any API and version."""

from dataclasses import replace

import pytest

from dataplane.virtual.apis import APIS
from dataplane.virtual.programs import request_program, response_program
from dataplane.wire.schema import api_name, message, struct_of
from tests.dataplane.virtual.instances import (
    ALIASED,
    MARKS,
    OFFERED,
    RIVAL,
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
FACTS = {11: b"consumer"}


VIEWS = pytest.mark.parametrize("view", [VIEW, ALIASED], ids=["own", "aliased"])


@VIEWS
@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_a_request_reaches_the_broker_with_physical_names_and_otherwise_unchanged(
    key, version, view
):
    program = request_program(key, version)
    for seed in SEEDS:
        body = generated(key, version, "request", seed, view)
        pieces, fact, _ = program(request_frame(key, version, body), view)
        sent = decoded(key, version, "request", b"".join(pieces))
        assert sent == Oracle(api_name(key), "request", view).entity(body)
        assert fact == fact_of(key, body)


@VIEWS
@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_an_answer_reaches_the_client_without_anything_foreign(key, version, view):
    program = response_program(key, version)
    fact = FACTS.get(key)
    for seed in SEEDS:
        body = generated(key, version, "response", seed, view)
        seen = b"".join(program(response_frame(key, version, body), view, fact))
        assert decoded(key, version, "response", seen) == Oracle(
            api_name(key), "response", view
        ).entity(body)
        assert not [mark for mark in MARKS if mark in seen]


def with_unknown_tag(frame):
    """The frame of a message without tagged fields at its end, with one that nobody knows."""
    assert frame[-1] == 0
    return frame[:-1] + b"\1\x4d" + bytes([len(RIVAL)]) + RIVAL.encode()


def untagged(body):
    tagged = struct_of(type(body)).tagged
    return replace(body, **{f.name: body.__dataclass_fields__[f.name].default for f in tagged})


@pytest.mark.parametrize("direction", ["request", "response"])
@pytest.mark.parametrize(("key", "version"), MESSAGES)
def test_tagged_fields_that_nobody_knows_are_left_out(key, version, direction):
    if not message(key, version, direction).flexible:
        return
    body = untagged(generated(key, version, direction, 1))
    if direction == "request":
        frame = request_frame(key, version, body)
        plain, _, _ = request_program(key, version)(frame, VIEW)
        seen, _, _ = request_program(key, version)(with_unknown_tag(frame), VIEW)
    else:
        frame = response_frame(key, version, body)
        plain = response_program(key, version)(frame, VIEW, FACTS.get(key))
        seen = response_program(key, version)(with_unknown_tag(frame), VIEW, FACTS.get(key))
    assert b"".join(seen) == b"".join(plain)
