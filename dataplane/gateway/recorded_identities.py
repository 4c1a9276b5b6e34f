"""What transactional producers are on the cluster that serves now, by what the records say."""

from contract.fold import ControlState
from contract.records import Identities, Record
from dataplane.virtual.identities import KnownIdentities


class RecordedIdentities:
    """Collected once for each scope and epoch, and anew after a record has changed."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self._control = control
        self._known: dict[tuple[str, int], KnownIdentities] = {}

    def of(self, scope: str, epoch: int) -> KnownIdentities:
        """Those that are older than that epoch of a scope."""
        known = self._known.get((scope, epoch))
        if known is None:
            found = self._control.of(Identities)
            known = KnownIdentities(i for i in found if (i.scope, i.epoch) == (scope, epoch))
            self._known[scope, epoch] = known
        return known

    def changed(self, record: Record) -> bool:
        """Whether a record was about identities."""
        if not record.key.startswith("identities/"):
            return False
        self._known.clear()
        return True
