"""Finds accounts by what clients log in with."""

import msgspec
import structlog

from contract.fold import ControlState
from contract.records import ServiceAccount, VirtualCluster
from contract.sealing import Seal, SealError

log = structlog.get_logger()


def opened(account: ServiceAccount, seal: Seal | None) -> ServiceAccount:
    """An account whose verifiers are sealed, with them; if they cannot be opened, as it was."""
    why = "they are sealed, and this node has no INTERLOCK_SEALING_KEY"
    if seal is not None:
        try:
            verifiers = seal.open(account.vcluster, account.name, account.sealed_scram)
            return msgspec.structs.replace(account, scram=verifiers)
        except SealError as error:
            why = str(error)
    log.warning("verifiers not opened", vcluster=account.vcluster, account=account.name, detail=why)
    return account


class Logins:
    """The accounts of virtual clusters that exist."""

    def __init__(self, control: ControlState, seal: Seal | None = None) -> None:
        """Look in the records that the node follows; `seal` opens what of them is sealed."""
        self._control = control
        self._seal = seal
        self._opened: dict[str, tuple[ServiceAccount, ServiceAccount]] = {}
        """By key: an account as its record has it, and the same with its verifiers opened."""
        self._by_external_name: dict[str, ServiceAccount] | None = None

    def account_of(self, vcluster: str, name: str) -> ServiceAccount | None:
        """An account by its names; None if there is no record of it."""
        key = f"account/{vcluster}/{name}"
        state = self._control.get(key)
        if not isinstance(state, ServiceAccount):
            return None
        return self._open(key, state) if state.sealed_scram else state

    def _open(self, key: str, account: ServiceAccount) -> ServiceAccount:
        """The account with its verifiers; without them, if they cannot be opened."""
        known = self._opened.get(key)
        if known is None or known[0] is not account:
            known = self._opened[key] = (account, opened(account, self._seal))
        return known[1]

    def account_named(self, external_name: str) -> ServiceAccount | None:
        """The account that is called so elsewhere."""
        if self._by_external_name is None:
            self._by_external_name = {
                name: account
                for account in self._control.of(ServiceAccount)
                if self._exists(account.vcluster)
                for name in account.external_names
            }
        return self._by_external_name.get(external_name)

    def forget(self) -> None:
        """A record changed: look again when asked."""
        self._by_external_name = None

    def _exists(self, vcluster: str) -> bool:
        return isinstance(self._control.get(f"vcluster/{vcluster}"), VirtualCluster)
