"""What a policy allows, and which policies make no sense."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.policy import ConfigRule, Limits, NumberRule, Policy, TopicRules, mistakes


def test_what_is_not_ruled_is_allowed():
    assert list(mistakes(Policy())) == []
    assert msgspec.json.encode(Policy()) == b'{"topics":{}}'


@given(st.integers(1, 9), st.integers(0, 9), st.integers(-5, 20))
def test_a_number_lies_between_its_limits(low, more, value):
    rule = NumberRule(default=low, min=low, max=low + more)
    assert rule.allows(value) == (low <= value <= low + more)


@pytest.mark.parametrize(
    ("value", "fits"), [("1000", True), ("1001", False), ("-1", False), ("x", False), ("0", True)]
)
def test_a_negative_config_is_without_limit(value, fits):
    assert ConfigRule(default="5", max=1000).allows(value) == fits


@pytest.mark.parametrize(
    ("value", "fits"),
    [("compact", True), ("delete,compact", True), ("compact, delete", True), ("delete", False)],
)
def test_the_order_of_a_list_does_not_matter(value, fits):
    rule = ConfigRule(default="compact", allowed=("compact", "compact,delete"))
    assert rule.allows(value) == fits


@pytest.mark.parametrize(
    ("rules", "part"),
    [
        (TopicRules(name_pattern="("), "namePattern '(' is no regular expression"),
        (TopicRules(name_pattern="x" * 300), "300 characters"),
        (TopicRules(name_pattern="(?!tmp).*"), "it has no look-around"),
        (TopicRules(partitions=NumberRule(default=0)), "partitions: the default 0"),
        (TopicRules(partitions=NumberRule(default=9, max=3)), "must be 1 to 3"),
        (
            TopicRules(replication_factor=NumberRule(default=1, min=3, max=3)),
            "replicationFactor: the default 1 is not allowed; it must be 3",
        ),
        (TopicRules(configs={"retention.ms": ConfigRule(max=5)}), "give a default"),
        (TopicRules(configs={"retention.ms": ConfigRule(default="9", max=5)}), "at most 5"),
        (TopicRules(configs={"x": ConfigRule(forced="1", default="1")}), "stands alone"),
        (TopicRules(configs={"": ConfigRule(forced="1")}), "no name of a topic config"),
        (TopicRules(max_topics=-1), "maxTopics is -1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(rules, part):
    (mistake,) = mistakes(Policy(topics=rules))
    assert part in mistake


def test_a_limit_of_nothing_is_a_mistake():
    (mistake,) = mistakes(Policy(account_limits=Limits(connections=0)))
    assert "connections is 0" in mistake


def test_an_account_s_own_limits_go_before_the_defaults():
    defaults = Limits(connections=5, produce_bytes_per_second=100)
    own = Limits(connections=1)
    assert own.over(defaults) == Limits(connections=1, produce_bytes_per_second=100)


def test_what_this_release_does_not_know_cannot_be_read():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"topics": {"colour": "red"}}', type=Policy)
