"""What switches have recorded for those who were clients before them."""

from contract.fold import ControlState
from contract.records import Record
from dataplane.gateway.producers import RecordedProducers
from dataplane.gateway.recorded_identities import RecordedIdentities
from dataplane.gateway.recorded_numbers import RecordedNumbers
from dataplane.gateway.recorded_topic_ids import RecordedTopicIds


class Recorded:
    """Each kind by itself, collected when it is first asked for."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self.producers = RecordedProducers(control)
        self.numbers = RecordedNumbers(control)
        self.identities = RecordedIdentities(control)
        self.topic_ids = RecordedTopicIds(control)

    def changed(self, record: Record) -> bool:
        """Whether a record was about any of it."""
        kinds = (self.producers, self.numbers, self.identities, self.topic_ids)
        return any(kind.changed(record) for kind in kinds)
