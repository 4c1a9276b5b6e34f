import pytest

from dataplane.virtual.subscription import logical_subscription, physical_subscription
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
