"""The ids of topics that have moved, by what the control records say."""

from contract.fold import ControlState
from contract.records import Record, TopicIds
from dataplane.virtual.topic_ids import MovedIds


class RecordedTopicIds:
    """Collected once for each scope and epoch, and anew after a record has changed."""

    def __init__(self, control: ControlState) -> None:
        """Read the records that the node follows."""
        self._control = control
        self._known: dict[tuple[str, int], MovedIds] = {}

    def of(self, scope: str, epoch: int) -> MovedIds:
        """Those that hold on the cluster which serves a scope in an epoch."""
        known = self._known.get((scope, epoch))
        if known is None:
            found = (ids for ids in self._control.of(TopicIds) if ids.scope == scope)
            known = MovedIds(next((ids.pairs for ids in found if ids.epoch == epoch), b""))
            self._known[scope, epoch] = known
        return known

    def changed(self, record: Record) -> bool:
        """Whether a record was about ids."""
        if not record.key.startswith("topic_ids/"):
            return False
        self._known.clear()
        return True
