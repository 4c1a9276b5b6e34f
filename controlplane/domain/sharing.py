"""Which aliases and grants depend on each other: what has to go when something goes."""

from collections.abc import Iterator

from contract.names import physical_name
from contract.records import TopicAlias
from controlplane.domain import events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts


def end_of_sharing(facts: Facts, vcluster: str) -> Iterator[Event]:
    """What goes with a virtual cluster: its aliases, others' for its topics, and all grants."""
    for alias in facts.control.of(TopicAlias):
        if vcluster in {alias.vcluster, facts.owner_of(alias.physical)}:
            yield events.TopicUnaliased(vcluster=alias.vcluster, logical=alias.logical)
    for owner, logical, grantee in sorted(facts.grants):
        if vcluster in {owner, grantee}:
            yield events.TopicGrantRevoked(owner=owner, logical=logical, grantee=grantee)


def aliases_by(facts: Facts, owner: str, logical: str, grantee: str) -> list[TopicAlias]:
    """The aliases that a grant makes possible: one at most."""
    physical = physical_name(owner, logical)
    return [alias for alias in facts.aliases_of(grantee) if alias.physical == physical]
