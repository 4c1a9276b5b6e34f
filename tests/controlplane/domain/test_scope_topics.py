"""What belongs to a scope, by its name."""

from hypothesis import given
from hypothesis import strategies as st

from contract.names import overlapping
from controlplane.domain.scope_topics import ScopeTopics

NAMES = st.text("ab.-", min_size=1, max_size=5)


@given(st.sets(NAMES), st.sets(NAMES), st.sets(NAMES, max_size=2), NAMES)
def test_whose_a_topic_is_does_not_depend_on_who_made_it(drawn, aliased, mirrors, physical):
    vclusters = {name for name in drawn if overlapping(name, frozenset(drawn)) is None}
    topics = ScopeTopics(vclusters, aliased, mirrors)
    owners = [name for name in vclusters if physical.startswith(name) and len(physical) > len(name)]
    owner = owners[0] if owners and physical not in mirrors else None
    assert topics.owner_of(physical) == owner
    assert (physical in topics) == (owner is not None or physical in aliased)
