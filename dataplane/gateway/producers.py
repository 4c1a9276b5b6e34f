"""What idempotent producers had written before each switch, by what the control records say."""

from contract.fold import ControlState
from contract.records import Producers, Record
from dataplane.virtual.last_writes import LastWrites


class RecordedProducers:
    """Collected once for each scope, and anew after a record has changed."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self._control = control
        self._known: dict[str, LastWrites] = {}

    def of(self, scope: str) -> LastWrites:
        """A scope's."""
        known = self._known.get(scope)
        if known is None:
            recorded = (p for p in self._control.of(Producers) if p.scope == scope)
            known = self._known[scope] = LastWrites(recorded)
        return known

    def changed(self, record: Record) -> bool:
        """Whether a record was about producers."""
        if not record.key.startswith("producers/"):
            return False
        self._known.clear()
        return True
