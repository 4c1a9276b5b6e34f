from dataclasses import replace

import pytest

from dataplane.virtual.error_text import tenant_text
from tests.dataplane.virtual.test_view import view


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Topic 'teamAusers' already exists.", "Topic 'users' already exists."),
        ("Topic with this name already exists", "Topic with this name already exists"),
        (
            "Topic name 'teamA.a' is invalid: '.a' collides with existing topics: teamB_a",
            "Topic name '.a' is invalid: '***' *** with existing topics: ***",
        ),
        (
            "Unable to replicate the partition 3 time(s) on broker kafka1:9092",
            "Unable to replicate the partition 3 time(s) on broker ***:9092",
        ),
        (
            "Invalid value 7 for configuration retention.ms: must be at least 8",
            "Invalid value 7 for configuration retention.ms: must be at least 8",
        ),
        ("Prinzipal Müller", None),
        ("teamA", None),
        ("", ""),
    ],
)
def test_only_words_of_kafka_and_of_the_tenant_pass(text, shown):
    seen = tenant_text(text.encode(), view(), None)
    assert seen == (None if shown is None else shown.encode())


def test_a_text_of_kafkas_words_alone_stays_as_it_is():
    text = (
        b"Unable to replicate the partition 5 time(s): The target replication factor of 5 cannot be"
        b" reached because only 1 broker(s) are registered or some brokers have all their log"
        b" directories cordoned."
    )
    assert tenant_text(text, view(), None) == text


def test_null_stays_null():
    assert tenant_text(None, view(), None) is None


def test_what_one_tenant_was_shown_is_not_shown_to_another():
    text = b"Topic teamAusers already exists."
    others = replace(view(), vcluster="teamB")
    for _ in range(2):
        assert tenant_text(text, view(), None) == b"Topic users already exists."
        assert tenant_text(text, others, None) == b"Topic *** already exists."
