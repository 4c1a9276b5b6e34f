import pytest

from dataplane.virtual.consumer_protocol import (
    logical_assignment,
    logical_subscription,
    physical_assignment,
    physical_subscription,
)
from dataplane.wire.errors import RefusedRequestError
from tests.dataplane.virtual.test_view import view

VIEW = view()
TOPICS = b"\0\0\0\1\0\5users"
PHYSICAL_TOPICS = b"\0\0\0\1\0\x0ateamAusers"
USER_DATA = b"\0\0\0\2hi"
OWNED = b"\0\0\0\1\0\1x\0\0\0\1\0\0\0\0"
PHYSICAL_OWNED = b"\0\0\0\1\0\6teamAx\0\0\0\1\0\0\0\0"


@pytest.mark.parametrize(
    ("logical", "physical"),
    [
        (b"\0\0" + TOPICS + USER_DATA, b"\0\0" + PHYSICAL_TOPICS + USER_DATA),
        (
            b"\0\1" + TOPICS + USER_DATA + OWNED,
            b"\0\1" + PHYSICAL_TOPICS + USER_DATA + PHYSICAL_OWNED,
        ),
        (  # a version that nobody knows: what follows is copied
            b"\0\x09" + TOPICS + USER_DATA + OWNED + b"new",
            b"\0\x09" + PHYSICAL_TOPICS + USER_DATA + PHYSICAL_OWNED + b"new",
        ),
        (  # says 1, writes 0
            b"\0\1" + TOPICS + USER_DATA,
            b"\0\1" + PHYSICAL_TOPICS + USER_DATA,
        ),
    ],
)
def test_topics_get_the_prefix_and_lose_it_again(logical, physical):
    assert physical_subscription(logical, VIEW, b"consumer") == physical
    assert logical_subscription(physical, VIEW, b"consumer") == logical


@pytest.mark.parametrize("value", [None, b"", b"\0", b"\0\0", b"\0\0\x7f\xff\xff\xff", b"\0\0abc"])
def test_what_is_no_subscription_passes_untouched(value):
    assert physical_subscription(value, VIEW, b"consumer") is value
    assert logical_subscription(value, VIEW, b"consumer") is value


def test_other_protocols_are_not_looked_into():
    value = b"\0\0" + TOPICS + USER_DATA
    assert physical_subscription(value, VIEW, b"connect") is value
    assert physical_subscription(value, VIEW, None) is value


def test_an_empty_topic_is_refused():
    with pytest.raises(RefusedRequestError):
        physical_subscription(b"\0\0\0\0\0\1\0\0\0\0\0\0", VIEW, b"consumer")


CONNECT = b"\0\1\0\0\0\x08worker-1\0\x10http://h:8083/ab" + b"\0" * 8 + b"\0\0\0\0"


@pytest.mark.parametrize("protocol_type", [b"consumer", None])
@pytest.mark.parametrize("rest", [USER_DATA, b"\xff\xff\xff\xff", USER_DATA + b"new"])
def test_topics_of_an_assignment_get_the_prefix_and_lose_it_again(rest, protocol_type):
    topics = TOPICS + b"\0\0\0\1\0\0\0\3"
    physical_topics = PHYSICAL_TOPICS + b"\0\0\0\1\0\0\0\3"
    logical, physical = b"\0\3" + topics + rest, b"\0\3" + physical_topics + rest
    assert physical_assignment(logical, VIEW, protocol_type) == physical
    assert logical_assignment(physical, VIEW, protocol_type) == logical


def test_an_assignment_without_topics_stays_as_it_is():
    empty = b"\0\0\0\0\0\0\0\0\0\0"
    assert physical_assignment(empty, VIEW, b"consumer") == empty


@pytest.mark.parametrize("protocol_type", [b"connect", None])
@pytest.mark.parametrize("value", [None, b"", b"\0", CONNECT, b'{"error":0,"master":"sr-1"}'])
def test_what_is_no_assignment_passes_untouched(value, protocol_type):
    assert physical_assignment(value, VIEW, protocol_type) is value
    assert logical_assignment(value, VIEW, protocol_type) is value
