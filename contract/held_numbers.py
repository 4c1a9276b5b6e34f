"""Which numberings hold: not those of a topic that is gone, if there is one of its name again."""

from contract.fold import ControlState
from contract.records import Offsets, TopicMapping, key_of


def held_numbers(control: ControlState) -> list[Offsets]:
    """What is recorded of the offsets of topics that there are, in order of their names."""
    anew_since = {
        topic.physical: topic.anew_since
        for topic in control.of(TopicMapping)
        if topic.anew_since > 0
    }
    return [
        offsets
        for offsets in control.of(Offsets)
        if offsets.physical not in anew_since
        or _recorded_at(control, offsets) > anew_since[offsets.physical]
    ]


def _recorded_at(control: ControlState, offsets: Offsets) -> int:
    record = control.record(key_of(offsets))
    return record.seq if record is not None else 0
