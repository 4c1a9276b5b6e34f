"""What a tenant notices: nothing where all is as it was left, and each planted fault by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.expected import (
    Attempt,
    Noticed,
    Surprise,
    noticed_configs,
    noticed_keys,
    noticed_records,
    noticed_returns,
)

attempts = st.lists(
    st.builds(
        Attempt,
        st.sampled_from("abc"),
        st.none() | st.sampled_from(("1", "2", "3")),
        st.booleans(),
    )
)


@given(attempts, st.data())
def test_nothing_is_noticed_where_each_attempt_happened_or_was_in_doubt(tried, data):
    found = {}
    for attempt in tried:
        if attempt.acknowledged or data.draw(st.booleans()):
            found[attempt.name] = attempt.value
    there = {name: value for name, value in found.items() if value is not None}
    assert list(noticed_keys(tried, there)) == []
    assert list(noticed_configs(tried, there)) == []


def written(*values: str | None) -> list[Attempt]:
    return [Attempt("k", value, acknowledged=True) for value in values]


IN_DOUBT = Attempt("k", "2")


@pytest.mark.parametrize(
    ("tried", "found", "noticed"),
    [
        (written("1"), {}, (Surprise.KEY_LOST, "None, expected 1")),
        (written("1", None), {"k": "1"}, (Surprise.KEY_RISEN, "1, expected None")),
        (written("1", "2"), {"k": "1"}, (Surprise.KEY_STALE, "1, expected 2")),
        ([*written("0", "1"), IN_DOUBT], {}, (Surprise.KEY_LOST, "None, expected 1 or 2")),
        (
            [*written("0", "1"), IN_DOUBT],
            {"k": "0"},
            (Surprise.KEY_STALE, "0, expected 1 or 2"),
        ),
        (
            [*written("1", None), IN_DOUBT],
            {"k": "1"},
            (Surprise.KEY_STALE, "1, expected 2 or None"),
        ),
        ([IN_DOUBT, *written(None)], {"k": "2"}, (Surprise.KEY_RISEN, "2, expected None")),
        ([], {"k": "1"}, (Surprise.KEY_RISEN, "1, expected None")),
    ],
)
def test_a_key_that_is_not_what_it_may_be(tried, found, noticed):
    surprise, detail = noticed
    assert list(noticed_keys(tried, found)) == [Noticed(surprise, "k", detail)]


@pytest.mark.parametrize("found", [{}, {"k": "1"}, {"k": "2", "other": "1"}])
def test_a_config_that_is_not_what_was_set_last(found):
    (noticed,) = noticed_configs(written("1", "2"), found)
    assert noticed.surprise is Surprise.CONFIG_OTHER
    assert noticed.what == ("other" if "other" in found else "k")


SENT = [
    Attempt("0", "a", acknowledged=True),
    Attempt("1", "b", acknowledged=True),
    Attempt("0", "c"),
]


@pytest.mark.parametrize("found", ["ab", "ba", "abc"])
def test_a_topic_made_anew_holds_what_was_sent_since(found):
    assert list(noticed_records(SENT, list(found))) == []


@pytest.mark.parametrize(
    ("found", "noticed"),
    [
        ("a", Noticed(Surprise.RECORD_LOST, "b", "partition 1")),
        ("abx", Noticed(Surprise.RECORD_RISEN, "x", "1 times")),
        ("abb", Noticed(Surprise.RECORD_RISEN, "b", "2 times")),
        ("abcc", Noticed(Surprise.RECORD_RISEN, "c", "2 times")),
    ],
)
def test_a_record_too_few_or_too_many(found, noticed):
    assert list(noticed_records(SENT, list(found))) == [noticed]


def test_what_was_deleted_for_good_is_not_found():
    deleted = ["one", "two"]
    assert list(noticed_returns(Surprise.TOPIC_RISEN, deleted, {"other"})) == []
    assert list(noticed_returns(Surprise.GROUP_RISEN, deleted, {"two", "other"})) == [
        Noticed(Surprise.GROUP_RISEN, "two", "listed")
    ]
