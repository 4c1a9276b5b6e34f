"""What idempotent producers had written before each switch, by what the control records say."""

from datetime import UTC, datetime
from time import monotonic

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
            # Once after each change: what is asked for every write is the monotonic clock.
            wall_ahead_s = datetime.now(UTC).timestamp() - monotonic()
            known = self._known[scope] = LastWrites(recorded, wall_ahead_s)
        return known

    def changed(self, record: Record) -> bool:
        """Whether a record was about producers."""
        if not record.key.startswith("producers/"):
            return False
        self._known.clear()
        return True
