"""Scopes: virtual clusters that are switched together."""

from contract.names import is_virtual_cluster_name
from contract.records import Routing
from controlplane.domain import events
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing


def added_scope(facts: Facts, name: str, beside: str) -> list[events.ScopeAdded]:
    """The scope of that name, if it is not there yet; it is served where `beside` is.

    Raises:
        Invalid: no scope can be called so.
        Missing: `beside` is not open yet.
        Conflict: a physical cluster is called so, or `beside` is on its way to another cluster.
    """
    if facts.routing(name) is not None:
        return []
    routing = require_open(facts, beside)
    if not is_virtual_cluster_name(name):
        raise Invalid(
            f"{name!r} cannot be a scope's name: use 1 to 64 of the characters a-z A-Z 0-9 . _ -,"
            " beginning with a letter or digit"
        )
    if facts.cluster(name) is not None:
        raise Conflict(
            f"a scope cannot be called {name}: a physical cluster is, and nobody could tell which"
            " of the two a command is about"
        )
    if (running := facts.open_switch(beside)) is not None:
        raise Conflict(
            f"scope {name} would be served where scope {beside} is, which is on its way to"
            f" {running.to_cluster} (switch {running.switch_id}): try again after its end"
        )
    return [events.ScopeAdded(scope=name, cluster=routing.cluster)]


def require_open(facts: Facts, scope: str) -> Routing:
    """Where a scope is served. Raises Missing if it is not open yet."""
    routing = facts.routing(scope)
    if routing is None:
        raise Missing(
            f"scope {scope} is not open yet: the control plane has not reached every cluster of"
            " clusters.yaml; see /health/ready"
        )
    return routing
