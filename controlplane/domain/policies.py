"""What a virtual cluster's clients may do, and how much of it."""

from contract.policy import Limits, limit_mistakes, mistakes
from contract.records import ServiceAccount
from controlplane.domain import commands, events
from controlplane.domain.event import Event
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Invalid
from controlplane.domain.tenants import existing, require_account_name


def set_policy(facts: Facts, command: commands.SetPolicy) -> list[Event]:
    """A policy replaces the one before; topics that are there already stay as they are."""
    known = existing(facts, command.name)
    _require_none(list(mistakes(command.policy)))
    if known.policy == command.policy:
        return []
    return [events.PolicySet(name=command.name, policy=command.policy)]


def restrict_account(facts: Facts, command: commands.RestrictAccount) -> list[Event]:
    """An account's own rights and limits replace those before."""
    existing(facts, command.vcluster)
    require_account_name(command.name)
    _require_none(list(limit_mistakes(command.limits)))
    known = facts.control.get(f"account/{command.vcluster}/{command.name}")
    decided: list[Event] = []
    before = (False, Limits())
    if isinstance(known, ServiceAccount):
        before = (known.read_only, known.limits)
    else:
        decided.append(events.ServiceAccountCreated(vcluster=command.vcluster, name=command.name))
    if before != (command.read_only, command.limits):
        decided.append(
            events.ServiceAccountRestricted(
                vcluster=command.vcluster,
                name=command.name,
                read_only=command.read_only,
                limits=command.limits,
            )
        )
    return decided


def _require_none(mistakes_found: list[str]) -> None:
    if mistakes_found:
        raise Invalid("; ".join(mistakes_found))
