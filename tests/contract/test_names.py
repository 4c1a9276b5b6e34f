"""Names of virtual clusters and what they make of other names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.names import is_virtual_cluster_name, overlapping, physical_name

names = st.text("aB-._", min_size=1, max_size=4)


@pytest.mark.parametrize("name", ["teamA", "a", "team-a.b_c", "0team", "x" * 64])
def test_names_of_kafkas_alphabet_are_taken(name: str) -> None:
    assert is_virtual_cluster_name(name)


@pytest.mark.parametrize("name", ["", "_team", ".team", "-team", "team a", "team/a", "x" * 65, "é"])
def test_other_names_are_not(name: str) -> None:
    assert not is_virtual_cluster_name(name)


def test_a_prefix_overlaps_in_both_directions() -> None:
    others = frozenset({"teamA"})
    assert overlapping("team", others) == "teamA"
    assert overlapping("teamAB", others) == "teamA"
    assert overlapping("teamB", others) is None
    assert overlapping("teamA", others) is None


@pytest.mark.parametrize("name", ["q_1", "q.1x", "q_1x", "q_"])
def test_what_kafka_takes_for_alike_overlaps(name: str) -> None:
    assert overlapping(name, frozenset({"q.1"})) == "q.1"


@given(st.frozensets(names, max_size=4), names, names, names)
def test_without_overlap_two_tenants_never_share_a_physical_name(
    others: frozenset[str], name: str, mine: str, theirs: str
) -> None:
    if overlapping(name, others) is None:
        for other in others - {name}:
            mine_there, theirs_there = physical_name(name, mine), physical_name(other, theirs)
            assert mine_there.replace(".", "_") != theirs_there.replace(".", "_")
