"""Scopes share one mirror, which copies one way: what it leaves out, and when it can turn round."""

from collections.abc import Iterator

from contract.records import Routing
from controlplane.domain.facts import Facts
from controlplane.domain.switch.state import Switch


def copied_scopes(facts: Facts, source: str) -> tuple[str, ...]:
    """Scopes of which a mirror from `source` copies everything: they are served there."""
    return tuple(sorted(r.scope for r in facts.control.of(Routing) if r.cluster == source))


def left_out(facts: Facts, source: str) -> tuple[str, ...]:
    """Virtual clusters of which a mirror from `source` copies nothing: another cluster serves them.

    What it brought would stand in the way of what their clients write and delete there. Once all
    have moved none is left out: the mirror is about to turn round, or a person decides about what
    it still brings.
    """
    copied, inhabited = copied_scopes(facts, source), facts.inhabited_scopes()
    elsewhere = [scope for scope in inhabited if scope not in copied]
    if len(elsewhere) == len(inhabited):
        return ()
    return tuple(sorted(name for scope in elsewhere for name in facts.tenants_of(scope)))


def scopes_of_the_mirror(facts: Facts, first: str) -> tuple[str, ...]:
    """The scope that the mirror is turned for, and the others that have virtual clusters."""
    return (first, *(scope for scope in facts.inhabited_scopes() if scope != first))


def staying(facts: Facts, switch: Switch) -> tuple[str, ...]:
    """Scopes that are not where a switch went: while there are any, the mirror copies to there."""
    served = ((scope, facts.routing(scope)) for scope in scopes_of_the_mirror(facts, switch.scope))
    return tuple(scope for scope, at in served if at and at.cluster != switch.to_cluster)


def switches_behind(facts: Facts, scope: str) -> Iterator[Switch]:
    """The newest switch of each scope; none of one that was never switched."""
    for one in scopes_of_the_mirror(facts, scope):
        if (newest := facts.newest_committed(one)) is not None:
            yield newest
