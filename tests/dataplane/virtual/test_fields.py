from collections.abc import Iterator

import pytest

from dataplane.virtual import field_classes as fc
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.fields import RULES, class_of, matching_rule, needs_class, treatment_of
from dataplane.wire.schema import Direction, Field, api_name, message, versions

DIRECTIONS: tuple[Direction, ...] = ("request", "response")


def fields_of(api_key: int) -> Iterator[tuple[Direction, str, Field]]:
    """Every field that any version has."""
    low, high = versions(api_key)
    for version in range(low, high + 1):
        for direction in DIRECTIONS:
            for path, field in message(api_key, version, direction).walk():
                yield direction, path, field


@pytest.mark.parametrize(
    "row",
    [row for row in APIS.values() if row.treatment in {Treatment.REWRITE, Treatment.ANSWER}],
    ids=lambda r: r.name,
)
def test_every_field_that_could_hold_a_name_has_a_class(row):
    api = api_name(row.key)
    unclassified = {
        f"{api}.{direction}.{path}"
        for direction, path, field in fields_of(row.key)
        if needs_class(field) and class_of(api, direction, path, field) is None
    }
    assert unclassified == set()


def test_every_rule_is_the_one_that_decides_about_some_field():
    deciding = {
        matching_rule(f"{api_name(key)}.{direction}.{path}")
        for key in APIS
        for direction, path, _ in fields_of(key)
    }
    dead = [pattern for index, (pattern, _) in enumerate(RULES) if index not in deciding]
    assert dead == []


def test_a_field_without_class_cannot_be_offered():
    unknown = Field("nickname", "str", "string", array=False, nullable=False, tag=None, struct=None)
    with pytest.raises(LookupError, match=r"heartbeat\.request\.nickname has no class"):
        treatment_of("heartbeat", "request", "nickname", unknown)


def test_a_topic_id_cannot_be_offered_in_the_place_of_a_name():
    path, field = next(p for p in message(78, 1, "request").walk() if p[0].endswith("topic_id"))
    assert class_of("share_fetch", "request", path, field) is fc.HIDDEN_TOPIC_ID
    with pytest.raises(LookupError, match="do not offer it"):
        treatment_of("share_fetch", "request", path, field)
