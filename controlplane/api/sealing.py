"""Sealing what is kept of passwords, where there is a key for it, and all who read it have it."""

from collections.abc import Iterator, Mapping
from itertools import islice

from contract.records import Node, ServiceAccount
from contract.scram import ScramMechanism, ScramVerifier
from contract.sealing import Seal, SealError
from controlplane.api.older import require_all_read
from controlplane.domain.commands import SetScramVerifiers
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict
from controlplane.ledger import Turn
from controlplane.plane import ControlPlane
from controlplane.store.event_store import Attribution

_AT_ONCE = 100
"""Accounts that are sealed in one turn to write."""

Verifiers = Mapping[ScramMechanism, ScramVerifier]


async def set_verifiers(
    plane: ControlPlane, vcluster: str, name: str, verifiers: Verifiers, by: Attribution
) -> None:
    """Keep what a password is known by; sealed, if there is a key.

    Raises:
        Refusal: it is not kept, and why.
    """
    seal = plane.settings.seal
    async with plane.ledger.turn(by) as turn:
        if seal is not None:
            await _require_readers(plane, turn, seal)
        await turn.carry_out(_command(seal, vcluster, name, verifiers))


async def seal_all(plane: ControlPlane, by: Attribution) -> int:
    """Seal what is kept of all passwords with the first key; how many were not sealed with it.

    Raises:
        Refusal: there is no key, or somebody could not read it.
    """
    seal = plane.settings.seal
    if seal is None:
        raise Conflict("this control plane has no INTERLOCK_SEALING_KEY to seal with")
    sealed = 0
    while some := await _seal_some(plane, seal, by):
        sealed += some
    return sealed


async def _seal_some(plane: ControlPlane, seal: Seal, by: Attribution) -> int:
    """In one turn, so that no other writer waits for long; how many."""
    async with plane.ledger.turn(by) as turn:
        await _require_readers(plane, turn, seal)
        for command in islice(_not_sealed(turn.facts, seal), _AT_ONCE):
            await turn.carry_out(command)
        return len(turn.appended)


def _not_sealed(facts: Facts, seal: Seal) -> Iterator[SetScramVerifiers]:
    """What is to be done with accounts whose verifiers are not sealed with the first key."""
    for account in facts.control.of(ServiceAccount):
        command = _command(seal, account.vcluster, account.name, _opened(seal, account))
        if command.sealed not in {b"", account.sealed_scram}:
            yield command


def _opened(seal: Seal, account: ServiceAccount) -> Verifiers:
    if not account.sealed_scram:
        return account.scram
    try:
        return seal.open(account.vcluster, account.name, account.sealed_scram)
    except SealError as error:
        raise Conflict(f"{error}: add it behind the first, or set another password") from error


def _command(
    seal: Seal | None, vcluster: str, name: str, verifiers: Verifiers
) -> SetScramVerifiers:
    if seal is None or not verifiers:
        return SetScramVerifiers(vcluster=vcluster, name=name, verifiers=dict(verifiers))
    sealed = seal.seal(vcluster, name, verifiers)
    return SetScramVerifiers(vcluster=vcluster, name=name, verifiers={}, sealed=sealed)


async def _require_readers(plane: ControlPlane, turn: Turn, seal: Seal) -> None:
    """Nothing is sealed that a control plane or a node could not read."""
    await require_all_read(turn, "account.password_sealed", "could not read what is sealed")
    sessions = await plane.sessions.newest()
    for node in turn.facts.control.of(Node):
        session = sessions.get(node.node_id)
        if session is None or not session.may_serve(plane.settings.interlock_lease_s):
            continue
        if seal.keys[0] not in session.report.sealing_keys:
            raise Conflict(
                f"node {node.node_id} has not the first key of this control plane's"
                " INTERLOCK_SEALING_KEY: give it to all nodes first"
            )
