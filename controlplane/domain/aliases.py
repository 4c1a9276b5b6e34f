"""Alias topics: a virtual cluster's own names for physical topics of others, or of nobody.

Whose a physical topic is, its prefix says. What belongs to another virtual cluster needs that one's
grant; what belongs to none is there for whoever an administrator gives it to.
"""

from contract.names import is_topic_name, physical_name
from contract.records import TopicAlias, VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing
from controlplane.domain.reserved import reserved_topics
from controlplane.domain.sharing import aliases_by
from controlplane.domain.tenants import existing


def alias_topic(facts: Facts, command: commands.AliasTopic) -> list[Event]:
    """An alias comes to be, or becomes read-only or writable; nothing happens if it is just so."""
    require_possible(facts, command.vcluster, command.logical, command.physical)
    _require_grant(facts, command)
    known = facts.control.get(f"alias/{command.vcluster}/{command.logical}")
    if isinstance(known, TopicAlias) and known.read_only == command.read_only:
        return []
    return [
        events.TopicAliased(
            vcluster=command.vcluster,
            logical=command.logical,
            physical=command.physical,
            read_only=command.read_only,
            partitions=command.partitions,
            replication_factor=command.replication_factor,
        )
    ]


def require_possible(facts: Facts, vcluster: str, logical: str, physical: str) -> None:
    """Refuse an alias that could not be told from something else.

    Raises:
        Refusal: why there cannot be such an alias.
    """
    existing(facts, vcluster)
    for name in (logical, physical):
        if not is_topic_name(name):
            raise Invalid(
                f"{name!r} cannot be a topic's name: use 1 to 249 of the characters"
                " a-z A-Z 0-9 . _ -"
            )
    if physical.startswith("__") or physical in reserved_topics(facts):
        raise Invalid(f"topic {physical} is internal to Kafka, to Interlock or to the mirror")
    if physical.startswith(vcluster):
        raise Conflict(
            f"topic {physical} is virtual cluster {vcluster}'s own: it sees it as"
            f" {physical.removeprefix(vcluster)}"
        )
    if facts.control.get(f"topic/{vcluster}/{logical}") is not None:
        raise Conflict(f"virtual cluster {vcluster} has a topic {logical} of its own")
    for alias in facts.aliases_of(vcluster):
        if alias.logical == logical and alias.physical != physical:
            raise Conflict(
                f"{logical} is an alias for {alias.physical}: physicalTopicName cannot change;"
                " delete the alias first"
            )
        if alias.physical == physical and alias.logical != logical:
            raise Conflict(
                f"virtual cluster {vcluster} has the alias {alias.logical} for {physical} already"
            )


def _require_grant(facts: Facts, command: commands.AliasTopic) -> None:
    owner = facts.owner_of(command.physical)
    if owner is None:
        return
    _require_one_scope(facts, command, owner)
    logical = command.physical.removeprefix(owner)
    access = facts.grants.get((owner, logical, command.vcluster))
    if access is None or (access == "read" and not command.read_only):
        wanted = "" if command.read_only else " --write"
        raise Conflict(
            f"topic {command.physical} belongs to virtual cluster {owner}, which has not granted"
            f" {'it' if access is None else 'writing to it'} to {command.vcluster}:"
            f" interlock grant give {owner} {logical} {command.vcluster}{wanted}"
        )


def _require_one_scope(facts: Facts, command: commands.AliasTopic, owner: str) -> None:
    """What is shared moves together: else one would read on one cluster what another writes to."""
    known = facts.control.get(f"vcluster/{owner}")
    ours = existing(facts, command.vcluster).scope
    if isinstance(known, VirtualCluster) and known.scope != ours:
        raise Conflict(
            f"topic {command.physical} belongs to virtual cluster {owner} of scope {known.scope},"
            f" and {command.vcluster} is of scope {ours}: these are switched one at a time, and"
            " would not see the same records in between"
        )


def unalias_topic(facts: Facts, command: commands.UnaliasTopic) -> list[Event]:
    """An alias goes; the topic behind it stays."""
    existing(facts, command.vcluster)
    if facts.control.get(f"alias/{command.vcluster}/{command.logical}") is None:
        raise Missing(f"virtual cluster {command.vcluster} has no alias {command.logical}")
    return [events.TopicUnaliased(vcluster=command.vcluster, logical=command.logical)]


def grant_topic(facts: Facts, command: commands.GrantTopic) -> list[Event]:
    """Another virtual cluster may have an alias; with less access than before, one for less."""
    existing(facts, command.owner)
    existing(facts, command.grantee)
    if command.owner == command.grantee:
        raise Conflict(f"topic {command.logical} is {command.owner}'s own")
    if not is_topic_name(physical_name(command.owner, command.logical)):
        raise Invalid(f"{command.logical!r} cannot be the name of a topic of {command.owner}")
    key = (command.owner, command.logical, command.grantee)
    if facts.grants.get(key) == command.access:
        return []
    granted = events.TopicGranted(
        owner=command.owner,
        logical=command.logical,
        grantee=command.grantee,
        access=command.access,
    )
    too_much = [a for a in aliases_by(facts, *key) if command.access == "read" and not a.read_only]
    return [granted, *(_gone(alias) for alias in too_much)]


def revoke_grant(facts: Facts, command: commands.RevokeGrant) -> list[Event]:
    """A grant goes, and with it the alias that it made possible."""
    existing(facts, command.owner)
    key = (command.owner, command.logical, command.grantee)
    if key not in facts.grants:
        raise Missing(
            f"virtual cluster {command.owner} has not granted {command.logical} to"
            f" {command.grantee}"
        )
    revoked = events.TopicGrantRevoked(
        owner=command.owner, logical=command.logical, grantee=command.grantee
    )
    return [revoked, *(_gone(alias) for alias in aliases_by(facts, *key))]


def _gone(alias: TopicAlias) -> events.TopicUnaliased:
    return events.TopicUnaliased(vcluster=alias.vcluster, logical=alias.logical)
