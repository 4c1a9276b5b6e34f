"""How clients log in to an account without a token of ours."""

from contract.records import ServiceAccount, VirtualCluster
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid
from controlplane.domain.tenants import existing, require_account_name

LONGEST_NAME = 1024
"""Characters of an external name: certificates have long ones."""

MOST_NAMES = 32
"""External names of one account."""


def set_scram_verifiers(facts: Facts, command: commands.SetScramVerifiers) -> list[Event]:
    """A password replaces the one before."""
    return [
        *_created_if_missing(facts, command.vcluster, command.name),
        _sealed(command) if command.sealed else _plain(command),
    ]


def _plain(command: commands.SetScramVerifiers) -> Event:
    return events.ScramVerifiersSet(
        vcluster=command.vcluster, name=command.name, verifiers=command.verifiers
    )


def _sealed(command: commands.SetScramVerifiers) -> Event:
    return events.ScramVerifiersSealed(
        vcluster=command.vcluster, name=command.name, sealed_scram=command.sealed
    )


def set_external_names(facts: Facts, command: commands.SetExternalNames) -> list[Event]:
    """External names replace those before. Nobody is two accounts, of whatever virtual cluster."""
    names = tuple(dict.fromkeys(command.external_names))
    if len(names) > MOST_NAMES:
        raise Invalid(f"an account has at most {MOST_NAMES} external names")
    if any(not 0 < len(name) <= LONGEST_NAME or not name.isprintable() for name in names):
        raise Invalid(f"an external name has 1 to {LONGEST_NAME} printable characters")
    decided = _created_if_missing(facts, command.vcluster, command.name)
    own = (command.vcluster, command.name)
    for account in facts.control.of(ServiceAccount):
        shared = set(names).intersection(account.external_names)
        if shared and (account.vcluster, account.name) != own and _exists(facts, account):
            raise Conflict(
                f"{min(shared)!r} is account {account.name} of virtual cluster"
                f" {account.vcluster} already"
            )
    known = facts.control.get(f"account/{command.vcluster}/{command.name}")
    if isinstance(known, ServiceAccount) and known.external_names == names:
        return []
    return [
        *decided,
        events.ExternalNamesSet(vcluster=command.vcluster, name=command.name, external_names=names),
    ]


def _exists(facts: Facts, account: ServiceAccount) -> bool:
    return isinstance(facts.control.get(f"vcluster/{account.vcluster}"), VirtualCluster)


def _created_if_missing(facts: Facts, vcluster: str, name: str) -> list[Event]:
    existing(facts, vcluster)
    require_account_name(name)
    if facts.control.get(f"account/{vcluster}/{name}") is not None:
        return []
    return [events.ServiceAccountCreated(vcluster=vcluster, name=name)]
