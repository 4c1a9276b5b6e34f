"""The isolation test is worth what it catches: a class or rule left out must make it fail."""

import pytest

from dataplane.virtual import field_classes as fc
from dataplane.virtual.field_classes import FieldClass
from dataplane.virtual.fields import (
    MARKED,
    RULES,
    _compiled_rules,
    class_of,
    matching_rule,
    needs_class,
    treatment_of,
)
from dataplane.wire.compiler import compile_program
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import request_is_tagged, response_is_tagged
from dataplane.wire.schema import api_name, message
from dataplane.wire.treatments import NUMBERING, Named, Only
from tests.dataplane.virtual.instances import (
    ALIASED,
    OFFERED,
    VIEW,
    Oracle,
    decoded,
    fact_of,
    generated,
    request_frame,
    response_frame,
)

FACTS = {11: b"consumer", 22: False}
ABOUT_IDS = {
    fc.TOPIC_ID,
    fc.OWN_TOPIC_ID,
    fc.WRITTEN_TOPIC_ID,
    fc.TOPIC_AND_ITS_ID,
    fc.LISTED_TOPIC_AND_ITS_ID,
    fc.ID_OF_NAMED_TOPIC,
}
SEEDS = 80
"""Messages tried at most: some need two things by chance, as an empty list and a null after it."""
MUTATIONS = [
    pytest.param(class_, direction, id=f"{name}-{direction}")
    for name, class_ in vars(fc).items()
    if isinstance(class_, FieldClass)
    for direction in ("request", "response")
    if getattr(class_, direction) is not None
    and not isinstance(getattr(class_, direction), Only | Named)
    and not isinstance(getattr(class_, direction), NUMBERING)  # that is in test_numbers
    and class_ is not fc.RECORDS  # changes no name; what it does is in test_producer_ids
]


def has_class(key, version, direction, class_):
    api = api_name(key)
    schema = message(key, version, direction)
    return any(class_of(api, direction, path, field) is class_ for path, field in schema.walk())


def has_rule(key, version, direction, index):
    address = f"{api_name(key)}.{direction}."
    paths = (path for path, _ in message(key, version, direction).walk())
    return any(matching_rule(address + path) == index for path in paths)


def without_class(class_):
    """A classification in which a class has no treatment."""

    def treatment(api, direction, path, field):
        if class_of(api, direction, path, field) is class_:
            return None
        return treatment_of(api, direction, path, field)

    return treatment


def without_rule(index):
    """A classification that lacks one rule; the next that fits takes its place."""
    rules = [rule for number, rule in enumerate(_compiled_rules()) if number != index]

    def treatment(api, direction, path, field):
        address = f"{api}.{direction}.{path}"
        fitting = (class_ for rule, class_ in rules if rule.fullmatch(address))
        class_ = next(fitting, MARKED.get(field.type_name))
        if class_ is None and needs_class(field):
            raise LookupError(address)
        found = getattr(class_, direction, None)
        return None if isinstance(found, NUMBERING) else found

    return treatment


def compiled(treatment, key, version, direction):
    api = api_name(key)

    def classify(path, field):
        return treatment(api, direction, path, field)

    tagged = request_is_tagged if direction == "request" else response_is_tagged
    schema = message(key, version, direction)
    return compile_program(
        "mutant", schema, direction, classify, tagged_header=tagged(key, version)
    ).run


def view_of(class_):
    """One in which it shows: ids are the cluster's own as long as nothing has moved."""
    return ALIASED if class_ in ABOUT_IDS else VIEW


def survives(treatment, key, version, direction, seed, view):
    body = generated(key, version, direction, seed, view)
    try:
        program = compiled(treatment, key, version, direction)
        if direction == "request":
            pieces, fact, _ = program(request_frame(key, version, body), view)
            if fact != fact_of(key, body):
                return False
        else:
            pieces = program(response_frame(key, version, body), view, FACTS.get(key))
        seen = decoded(key, version, direction, b"".join(pieces))
    except (MalformedFrameError, NameError, LookupError, TypeError):
        return False
    oracle = Oracle(api_name(key), direction, view)
    return seen == oracle.entity(body)


@pytest.mark.parametrize(("class_", "direction"), MUTATIONS)
def test_without_a_class_the_isolation_test_fails(class_, direction):
    concerned = [(k, v) for k, v in OFFERED if has_class(k, v, direction, class_)]
    assert concerned
    assert not all(
        survives(without_class(class_), key, version, direction, seed, view_of(class_))
        for key, version in concerned
        for seed in range(SEEDS)
    )


@pytest.mark.parametrize("index", range(len(RULES)), ids=lambda index: RULES[index][0])
def test_without_a_rule_the_isolation_test_fails(index):
    concerned = [
        (key, version, direction)
        for direction in ("request", "response")
        if not isinstance(RULES[index][1].request, Only | Named)
        for key, version in OFFERED
        if has_rule(key, version, direction, index)
    ]
    class_ = RULES[index][1]
    if not concerned or class_ is fc.WRITTEN_TOPIC:
        return  # it keeps fields out of what is offered, or guards, which has its own test
    if isinstance(class_.request, NUMBERING) or class_ in {fc.RECORDS, fc.FOLLOWERS_OFFSET}:
        return  # that is in test_numbers, too
    assert not all(
        survives(without_rule(index), key, version, direction, seed, view_of(class_))
        for key, version, direction in concerned
        for seed in range(SEEDS)
    )
