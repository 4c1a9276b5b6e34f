"""Finds accounts by what clients log in with."""

from contract.fold import ControlState
from contract.records import ServiceAccount, VirtualCluster


class Logins:
    """The accounts of virtual clusters that exist."""

    def __init__(self, control: ControlState) -> None:
        """Look in the records that the node follows."""
        self._control = control
        self._by_external_name: dict[str, ServiceAccount] | None = None

    def account_of(self, vcluster: str, name: str) -> ServiceAccount | None:
        """An account by its names; None if there is no record of it."""
        state = self._control.get(f"account/{vcluster}/{name}")
        return state if isinstance(state, ServiceAccount) else None

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
