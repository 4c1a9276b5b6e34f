"""The isolation test is worth what it catches: every class that is left out must make it fail."""

import pytest

from dataplane.virtual import field_classes as fc
from dataplane.virtual.field_classes import FieldClass
from dataplane.virtual.fields import class_of, treatment_of
from dataplane.wire.compiler import compile_program
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import request_is_tagged, response_is_tagged
from dataplane.wire.schema import api_name, message
from dataplane.wire.treatments import Only
from tests.dataplane.virtual.instances import (
    OFFERED,
    VIEW,
    Oracle,
    decoded,
    generated,
    request_frame,
    response_frame,
)

FACTS = {11: b"consumer", 22: False}
WITHOUT_A_TRACE = {fc.ACKS}  # only noted, for the gateway

MUTATIONS = [
    pytest.param(class_, direction, id=f"{name}-{direction}")
    for name, class_ in vars(fc).items()
    if isinstance(class_, FieldClass) and class_ not in WITHOUT_A_TRACE
    for direction in ("request", "response")
    if getattr(class_, direction) is not None and not isinstance(getattr(class_, direction), Only)
]


def has_class(key, version, direction, class_):
    api = api_name(key)
    schema = message(key, version, direction)
    return any(class_of(api, direction, path, field) is class_ for path, field in schema.walk())


def program_without(class_, key, version, direction):
    api = api_name(key)

    def classify(path, field):
        if class_of(api, direction, path, field) is class_:
            return None
        return treatment_of(api, direction, path, field)

    tagged = request_is_tagged if direction == "request" else response_is_tagged
    schema = message(key, version, direction)
    return compile_program(
        "mutant", schema, direction, classify, tagged_header=tagged(key, version)
    ).run


def survives(class_, key, version, direction, seed):
    body = generated(key, version, direction, seed)
    program = program_without(class_, key, version, direction)
    try:
        if direction == "request":
            pieces, _ = program(request_frame(key, version, body), VIEW)
        else:
            pieces = program(response_frame(key, version, body), VIEW, FACTS.get(key))
        seen = decoded(key, version, direction, b"".join(pieces))
    except (MalformedFrameError, NameError):
        return False
    oracle = Oracle(api_name(key), direction, FACTS.get(key))
    return seen == oracle.entity(body)


@pytest.mark.parametrize(("class_", "direction"), MUTATIONS)
def test_without_a_class_the_isolation_test_fails(class_, direction):
    concerned = [(k, v) for k, v in OFFERED if has_class(k, v, direction, class_)]
    assert concerned
    assert not all(
        survives(class_, key, version, direction, seed)
        for key, version in concerned
        for seed in range(6)
    )
