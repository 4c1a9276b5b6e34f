"""Virtual clusters, their accounts and tokens."""

import re

from contract.names import is_virtual_cluster_name, overlapping
from contract.records import ServiceAccount, TopicAlias, VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing
from controlplane.domain.reserved import reserved_by
from controlplane.domain.scopes import added_scope, require_open
from controlplane.domain.sharing import end_of_sharing

_ACCOUNT = re.compile(r"[a-zA-Z0-9._-]{1,255}")
LONGEST_LIFETIME_S = 100 * 365 * 86400
"""A hundred years: beyond it `exp` stops being a date that libraries can handle."""


def create_virtual_cluster(facts: Facts, command: commands.CreateVirtualCluster) -> list[Event]:
    """A new tenant. No name may begin with another's, not even with a deleted one's."""
    if facts.control.get(f"vcluster/{command.name}") is not None:
        raise Conflict(f"virtual cluster {command.name} exists already")
    added = added_scope(facts, command.scope, command.beside)
    return [*added, virtual_cluster_created(facts, command.name, command.scope, command.cluster_id)]


def virtual_cluster_created(
    facts: Facts, name: str, scope: str, cluster_id: str
) -> events.VirtualClusterCreated:
    """A tenant that is not there yet, in a scope that is, or is about to be.

    Raises:
        Refusal: there cannot be one of that name.
    """
    if not is_virtual_cluster_name(name):
        raise Invalid(
            f"{name!r} cannot be a virtual cluster's name: use 1 to 64 of the characters"
            " a-z A-Z 0-9 . _ -, beginning with a letter or digit"
        )
    if clash := overlapping(name, frozenset(facts.names_ever)):
        raise Conflict(
            f"the name {name} overlaps with virtual cluster {clash}: topics are named by putting"
            " the virtual cluster's name in front, so none may begin with another's"
            " (names of deleted ones included)"
        )
    if (system_s := reserved_by(facts, name)) is not None:
        raise Conflict(
            f"the name {name} is reserved: {system_s} on the physical clusters, which is not a"
            " tenant's, would be seen as this virtual cluster's"
        )
    taken = (a for a in facts.control.of(TopicAlias) if a.physical.startswith(name))
    if (alias := next(taken, None)) is not None:
        raise Conflict(
            f"topic {alias.physical} would belong to {name}, and virtual cluster {alias.vcluster}"
            f" has the alias {alias.logical} for it: remove the alias first"
        )
    return events.VirtualClusterCreated(name=name, scope=scope, cluster_id=cluster_id)


def delete_virtual_cluster(facts: Facts, command: commands.DeleteVirtualCluster) -> list[Event]:
    """A tenant goes, once it has no topics; if its name ever comes back, its tokens do not."""
    existing(facts, command.name)
    if topics := facts.topics_of(command.name):
        raise Conflict(
            f"virtual cluster {command.name} still has {len(topics)} topics, {topics[0].logical}"
            " for one: delete them first"
        )
    accounts = facts.control.of_owner(ServiceAccount, command.name)
    revoked = [_revoked(account, command.now) for account in accounts]
    shared = end_of_sharing(facts, command.name)
    return [*revoked, *shared, events.VirtualClusterDeleted(name=command.name)]


def issue_token(facts: Facts, command: commands.IssueToken) -> list[Event]:
    """A token, and whatever has to exist for it to be of use."""
    if not 0 < command.lifetime_s <= LONGEST_LIFETIME_S:
        raise Invalid(
            f"lifeTimeSeconds is {command.lifetime_s}; use 1 to {LONGEST_LIFETIME_S} seconds"
        )
    require_account_name(command.name)
    decided: list[Event] = []
    if facts.control.get(f"vcluster/{command.vcluster}") is None:
        require_open(facts, command.scope)
        decided.append(
            virtual_cluster_created(facts, command.vcluster, command.scope, command.cluster_id)
        )
    account = facts.control.get(f"account/{command.vcluster}/{command.name}")
    if account is None:
        decided.append(events.ServiceAccountCreated(vcluster=command.vcluster, name=command.name))
    issued_at = command.issued_at
    if isinstance(account, ServiceAccount) and account.revoked_at is not None:
        # Tokens of the second in which the account was revoked are void.
        issued_at = max(issued_at, account.revoked_at + 1)
    decided.append(
        events.TokenIssued(
            vcluster=command.vcluster,
            name=command.name,
            token_id=command.token_id,
            issued_at=issued_at,
            expires_at=command.issued_at + command.lifetime_s,
        )
    )
    return decided


def require_account_name(name: str) -> None:
    """Raise Invalid if this cannot be the name of an account."""
    if _ACCOUNT.fullmatch(name) is None:
        raise Invalid(
            f"{name!r} cannot be an account's name: use 1 to 255 of the characters"
            " a-z A-Z 0-9 . _ -"
        )


def revoke_account(facts: Facts, command: commands.RevokeAccount) -> list[Event]:
    """Every token of the account that was issued so far is void."""
    existing(facts, command.vcluster)
    account = facts.control.get(f"account/{command.vcluster}/{command.name}")
    if not isinstance(account, ServiceAccount):
        raise Missing(f"virtual cluster {command.vcluster} has no account {command.name}")
    return [_revoked(account, command.now)]


def _revoked(account: ServiceAccount, now: int) -> events.ServiceAccountRevoked:
    revoked_at = max(now, account.revoked_at or 0)
    return events.ServiceAccountRevoked(
        vcluster=account.vcluster, name=account.name, revoked_at=revoked_at
    )


def existing(facts: Facts, name: str) -> VirtualCluster:
    """A virtual cluster. Raises Missing if there is none of that name."""
    state = facts.control.get(f"vcluster/{name}")
    if not isinstance(state, VirtualCluster):
        raise Missing(f"there is no virtual cluster {name}")
    return state
