"""The numbers under which clients know records, by what the control records say."""

from collections import defaultdict

from contract.fold import ControlState
from contract.held_numbers import held_numbers
from contract.records import Offsets, Record, TopicMapping
from dataplane.virtual.numbers import Numbers


class RecordedNumbers:
    """Collected once for each scope, and anew after a record has changed."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self._control = control
        self._known: dict[str, list[Offsets]] | None = None

    def of(self, scope: str, epoch: int, prefix: str, others: set[str]) -> tuple[Numbers, ...]:
        """Of the topics of a scope that begin with the prefix, or are named: what holds then."""
        if self._known is None:
            self._known = self._collected()
        found = (
            Numbers(offsets.physical.encode(), offsets.at(epoch))
            for offsets in self._known.get(scope, ())
            if offsets.physical.startswith(prefix) or offsets.physical in others
        )
        return tuple(numbers for numbers in found if numbers)

    def changed(self, record: Record) -> bool:
        """Whether a record was about numbers, or about a topic that has none of them any more."""
        topic = record.state
        is_anew = isinstance(topic, TopicMapping) and topic.anew_since == record.seq
        if not (is_anew or record.key.startswith("offsets/")):
            return False
        self._known = None
        return True

    def _collected(self) -> dict[str, list[Offsets]]:
        found: dict[str, list[Offsets]] = defaultdict(list)
        for offsets in held_numbers(self._control):
            found[offsets.scope].append(offsets)
        return found
