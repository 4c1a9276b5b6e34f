import pytest
from hypothesis import given
from hypothesis import strategies as st

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
FOREIGN_TOPICS = b"\0\0\0\2\0\x06teamAx\0\x06rivals"
FOREIGN_OWNED = b"\0\0\0\1\0\6rivals\0\0\0\1\0\0\0\0"
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
    assert physical_subscription(logical, VIEW, b"consumer")[0] == physical
    assert logical_subscription(physical, VIEW, b"consumer") == logical


SUBSCRIPTIONS = [
    b"\0\0" + TOPICS + USER_DATA,
    b"\0\1" + TOPICS + USER_DATA,
    b"\0\1" + TOPICS + USER_DATA + OWNED,
    b"\0\3" + TOPICS + b"\xff\xff\xff\xff" + OWNED + b"\0\0\0\7" + b"\xff\xff",
]


@pytest.mark.parametrize("value", [None, b""])
def test_no_subscription_passes(value):
    assert physical_subscription(value, VIEW, b"consumer")[0] is value
    assert logical_subscription(value, VIEW, b"consumer") is value


@given(st.sampled_from(SUBSCRIPTIONS), st.data())
def test_a_subscription_that_is_cut_short_is_refused_or_has_no_name_as_it_was(whole, data):
    cut = whole[: data.draw(st.integers(1, len(whole)))]
    try:
        seen, _ = physical_subscription(cut, VIEW, b"consumer")
    except RefusedRequestError:
        return
    assert seen is not None
    rest = seen.replace(PHYSICAL_TOPICS, b"").replace(PHYSICAL_OWNED, b"")
    assert b"users" not in rest
    assert OWNED not in rest
    assert logical_subscription(seen, VIEW, b"consumer") == cut


@pytest.mark.parametrize(
    "value",
    [
        b"\0",
        b"\0\0",
        b"\0\0\x7f\xff\xff\xff",
        b"\0\0abc",
        b"\0\1" + TOPICS,
        b"\0\1" + TOPICS.replace(b"users", b"us\xffrs") + USER_DATA,
    ],
)
def test_what_is_no_subscription_is_refused_and_never_shown(value):
    with pytest.raises(RefusedRequestError) as refused:
        physical_subscription(value, VIEW, b"consumer")
    assert refused.value.error_code == 23
    shown = logical_subscription(value, VIEW, b"consumer")
    assert logical_subscription(shown, VIEW, b"consumer") == shown
    assert b"users" not in (shown or b"")


@pytest.mark.parametrize(
    "value",
    [
        b"\0\0" + FOREIGN_TOPICS + USER_DATA,
        b"\0\1" + FOREIGN_TOPICS + USER_DATA + PHYSICAL_OWNED,
        b"\0\1" + PHYSICAL_TOPICS + USER_DATA + FOREIGN_OWNED,  # the alias is owned alone
        b"\0\1" + FOREIGN_TOPICS + USER_DATA,
        b"\0\1" + PHYSICAL_TOPICS + USER_DATA + FOREIGN_OWNED[:-4],
        b"\0\0" + FOREIGN_TOPICS,
    ],
)
def test_of_a_subscription_with_a_foreign_name_nothing_is_shown(value):
    shown = logical_subscription(value, VIEW, b"consumer")
    assert shown == value[:2] + b"\0\0\0\0" + b"\xff\xff\xff\xff" + b"\0\0\0\0" * value[1]


def test_other_protocols_are_not_looked_into():
    value = b"\0\0" + TOPICS + USER_DATA
    assert physical_subscription(value, VIEW, b"connect")[0] is value
    assert physical_subscription(value, VIEW, None)[0] is value


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
    assert physical_assignment(logical, VIEW, protocol_type)[0] == physical
    assert logical_assignment(physical, VIEW, protocol_type) == logical


def test_an_assignment_without_topics_stays_as_it_is():
    empty = b"\0\0\0\0\0\0\0\0\0\0"
    assert physical_assignment(empty, VIEW, b"consumer")[0] == empty


OTHERS = [None, b"", b"\0", CONNECT, b'{"error":0,"master":"sr-1"}']


@pytest.mark.parametrize("value", OTHERS)
def test_what_is_no_assignment_passes_untouched(value):
    assert physical_assignment(value, VIEW, b"connect")[0] is value
    assert logical_assignment(value, VIEW, b"connect") is value
    assert logical_assignment(value, VIEW, None) is value


ASSIGNMENT = b"\0\3" + TOPICS + b"\0\0\0\1\0\0\0\3" + USER_DATA


@pytest.mark.parametrize(("protocol_type", "code"), [(b"consumer", 23), (None, 27)])
@given(value=st.sampled_from(OTHERS[2:]) | st.integers(1, len(ASSIGNMENT) - 1))
def test_what_could_name_topics_and_cannot_be_read_is_refused(protocol_type, code, value):
    value = ASSIGNMENT[:value] if isinstance(value, int) else value
    with pytest.raises(RefusedRequestError) as refused:
        physical_assignment(value, VIEW, protocol_type)
    assert refused.value.error_code == code


def test_an_assignment_with_a_topic_without_a_name_is_refused():
    with pytest.raises(RefusedRequestError):
        physical_assignment(b"\0\0\0\0\0\1\0\0" + b"\0" * 8, VIEW, b"consumer")


@pytest.mark.parametrize("protocol_type", [b"consumer", None])
def test_of_an_assignment_with_a_foreign_name_nothing_is_shown(protocol_type):
    foreign = b"\0\3" + b"\0\0\0\1\0\6rivals" + b"\0\0\0\1\0\0\0\3" + USER_DATA
    nothing = b"\0\0" + b"\0\0\0\0" + b"\xff\xff\xff\xff"
    assert logical_assignment(foreign, VIEW, protocol_type) == nothing
    assert logical_assignment(foreign[:-3], VIEW, b"consumer") == nothing
