"""Which configs a target is given, and what is said of the others."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.mirror import Direction
from controlplane.domain.parity.configs import (
    CONSEQUENCES,
    Both,
    Change,
    Config,
    TopicState,
    changes,
    differences,
)

BETWEEN = Direction(source="main", target="failover")


def own(value: str, default: str = "0") -> Config:
    return Config(value, own=True, default=default)


def default(value: str | None) -> Config:
    return Config(value, own=False, default=value)


def state(configs: Mapping[str, Config], partitions: int = 1, replicas: int = 3) -> TopicState:
    return TopicState(partitions=partitions, replicas=replicas, configs=configs)


def both(ours: dict[str, Config], theirs: dict[str, Config], **of_theirs: int) -> Both:
    return Both("orders", state(ours), state(theirs, **of_theirs))


def changed(
    ours: dict[str, Config], theirs: dict[str, Config], *, serving: bool = True
) -> dict[str, str | None]:
    found = changes(both(ours, theirs), serving=serving)
    return {config: value for _, config, value in found}


def test_what_was_set_for_the_topic_is_carried_over() -> None:
    ours = {"segment.ms": own("1000"), "retention.ms": own("-1")}
    theirs = {"segment.ms": default("9"), "retention.ms": own("60000")}
    assert changed(ours, theirs) == {"segment.ms": "1000", "retention.ms": "-1"}


def test_what_only_the_target_was_given_is_taken_back() -> None:
    assert changed({"segment.ms": default("9")}, {"segment.ms": own("1")}) == {"segment.ms": None}


def test_of_defaults_only_those_count_by_which_data_can_be_lost() -> None:
    ours = {"retention.ms": default("-1"), "segment.ms": default("1")}
    theirs = {"retention.ms": default("60000"), "segment.ms": default("2")}
    assert changed(ours, theirs) == {"retention.ms": "-1"}


def test_it_is_the_topic_s_own_on_both_or_on_none() -> None:
    ours, theirs = {"retention.ms": default("5")}, {"retention.ms": own("5", default="5")}
    assert changed(ours, theirs) == {"retention.ms": None}
    assert changed(theirs, ours) == {"retention.ms": "5"}
    other = {"retention.ms": own("5", default="6")}
    assert changed(ours, other) == {}, "the target's default is another one"


def test_a_mirror_can_give_records_their_timestamps() -> None:
    ours = {"message.timestamp.type": own("LogAppendTime")}
    there = {"message.timestamp.type": default("LogAppendTime")}
    here = {"message.timestamp.type": default("CreateTime")}
    assert changed(ours, there, serving=False) == {"message.timestamp.type": "CreateTime"}
    assert changed(ours, here, serving=False) == {}
    assert changed(ours, here, serving=True) == {"message.timestamp.type": "LogAppendTime"}


def test_a_mirror_may_bring_records_late() -> None:
    limited = {"message.timestamp.before.max.ms": own("1000")}
    free = {"message.timestamp.before.max.ms": default("9223372036854775807")}
    assert changed(limited, free, serving=False) == {}
    assert changed(limited, limited, serving=False) == {"message.timestamp.before.max.ms": None}
    assert changed(limited, free, serving=True) == {"message.timestamp.before.max.ms": "1000"}


def test_brokers_of_one_cluster_are_not_named_to_another() -> None:
    assert changed({"leader.replication.throttled.replicas": own("*")}, {}) == {}


def test_a_cluster_with_too_few_replicas_is_not_made_to_refuse_writes() -> None:
    found = both(
        {"min.insync.replicas": own("2")}, {"min.insync.replicas": default("1")}, replicas=1
    )
    assert list(changes(found, serving=True)) == []
    (left,) = differences(BETWEEN, found, {}, serving=True)
    assert left.name == "orders:min.insync.replicas"
    assert not left.harmless
    assert "more than the 1 replicas" in left.detail


def test_what_the_target_does_not_know_is_named() -> None:
    found = both({"remote.storage.enable": own("true")}, {"retention.ms": default("1")})
    assert not [c for c in changes(found, serving=True) if c.config == "remote.storage.enable"]
    left = {d.name: d for d in differences(BETWEEN, found, {}, serving=True)}
    assert left["orders:remote.storage.enable"].harmless


def test_what_the_target_refuses_is_named_with_its_words_and_what_follows() -> None:
    found = both({"retention.ms": own("-1")}, {"retention.ms": default("60000")})
    refused = {"orders:retention.ms": "POLICY_VIOLATION"}
    (left,) = differences(BETWEEN, found, refused, serving=True)
    assert "refuses it: POLICY_VIOLATION" in left.detail
    assert "deleted at another age" in left.detail


@pytest.mark.parametrize(("there", "said"), [(2, "made anew with fewer"), (0, "add the missing")])
def test_partitions_are_counted(there: int, said: str) -> None:
    (left,) = differences(BETWEEN, both({}, {}, partitions=there), {}, serving=True)
    assert left.name == "orders"
    assert said in left.detail
    assert not left.harmless


NAMES = (*CONSEQUENCES, "segment.ms", "message.timestamp.before.max.ms")
NUMBERS, TIMES = st.sampled_from(["1", "2"]), st.sampled_from(["CreateTime", "LogAppendTime"])


@st.composite
def topics(draw):
    """All configs of a topic, each its own or the cluster's default."""
    found = {}
    for name in NAMES:
        values = TIMES if name == "message.timestamp.type" else NUMBERS
        default, given = draw(values), draw(st.none() | values)
        found[name] = Config(given or default, own=given is not None, default=default)
    return found


@given(topics(), topics(), st.booleans())
def test_once_carried_over_nothing_is_left_to_carry(ours, theirs, serving) -> None:
    made = dict(theirs)
    for _, config, value in changes(both(ours, theirs), serving=serving):
        before = theirs[config].default
        made[config] = Config(value or before, own=value is not None, default=before)
    again = both(ours, made)
    assert list(changes(again, serving=serving)) == []
    assert list(differences(BETWEEN, again, {}, serving=serving)) == []
    if serving:
        assert all(made[name].value == c.value for name, c in ours.items() if c.own)
        assert all(made[name].value == ours[name].value for name in CONSEQUENCES)


def test_changes_name_their_topic() -> None:
    found = both({"retention.ms": own("-1")}, {"retention.ms": default("60000")})
    assert list(changes(found, serving=True)) == [Change("orders", "retention.ms", "-1")]
