"""Names of one's own for topics of others."""

from dataclasses import replace

import pytest

from dataplane.virtual.consumer_protocol import logical_assignment, logical_subscription
from dataplane.virtual.error_text import tenant_text
from dataplane.virtual.heads import PRODUCE_BY_ID_SINCE
from dataplane.virtual.messages import blank, element_of
from dataplane.virtual.programs import request_program, response_program
from dataplane.virtual.view import Alias
from dataplane.wire.errors import ForeignNameError, RefusedRequestError
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import (
    ALIASED,
    OFFERED,
    RIVAL,
    VIEW,
    assigned,
    decoded,
    request_frame,
    response_frame,
    subscription,
)

READ_ONLY = replace(VIEW, aliases=(Alias("borrowed", f"{RIVAL}lent", read_only=True),))


def produce(version: int, topic: str) -> bytes:
    entity = entity_of(0, version, "request")
    element = element_of(entity, "topic_data")
    rows = (blank(element, name=topic, partition_data=()),)
    return request_frame(0, version, blank(entity, acks=1, topic_data=rows))


# By topic ids: in test_named_by_id.
@pytest.mark.parametrize("version", [v for k, v in OFFERED if k == 0 and v < PRODUCE_BY_ID_SINCE])
def test_what_is_for_reading_only_is_not_written_to(version):
    program = request_program(0, version)
    program(produce(version, "borrowed"), ALIASED)
    program(produce(version, "own"), READ_ONLY)
    with pytest.raises(RefusedRequestError) as refused:
        program(produce(version, "borrowed"), READ_ONLY)
    assert refused.value.error_code == 29
    assert "borrowed is an alias for reading only" in refused.value.reason


def test_a_group_s_config_is_not_taken_for_that_of_an_alias():
    entity = entity_of(32, 4, "request")
    element = element_of(entity, "resources")
    rows = tuple(
        blank(element, resource_type=kind, resource_name="borrowed") for kind in (2, 32, 2)
    )
    pieces, _, _ = request_program(32, 4)(
        request_frame(32, 4, blank(entity, resources=rows)), ALIASED
    )
    sent = decoded(32, 4, "request", b"".join(pieces))
    names = [resource.resource_name for resource in sent.resources]
    assert names == [f"{RIVAL}lent", f"{VIEW.vcluster}borrowed", f"{RIVAL}lent"]


def test_an_alias_in_a_broker_s_text_is_shown_as_the_alias():
    text = f"Topic '{RIVAL}lent' already exists, {RIVAL}other too.".encode()
    assert tenant_text(text, ALIASED, None) == b"Topic 'borrowed' already exists, *** too."


def test_an_alias_that_is_gone_shows_nothing_of_what_was_behind_it():
    def lent() -> str:
        return f"{RIVAL}lent"

    assert RIVAL.encode() not in (
        logical_subscription(subscription(lent), VIEW, b"consumer") or b""
    )
    assert RIVAL.encode() not in (logical_assignment(assigned(lent), VIEW, b"consumer") or b"")
    entity = entity_of(1, 12, "response")
    element = element_of(entity, "responses")
    body = blank(entity, responses=(blank(element, topic=lent(), partitions=()),))
    with pytest.raises(ForeignNameError):
        response_program(1, 12)(response_frame(1, 12, body), VIEW, None)
