"""What a switch says of the numbers under which clients know records."""

from hashlib import sha256

import msgspec

from controlplane.domain.numbering.deciding import renumbered
from controlplane.domain.switch.events import (
    NumberingDecided,
    OffsetsNumbered,
    SwitchEvent,
    TopicIdsRecorded,
)
from controlplane.domain.switch.view import Numbers, View


def what_is_numbered(view: View) -> tuple[SwitchEvent, ...]:
    """Everything that was decided; nothing if that is what was recorded last."""
    numbers, switch_id = view.numbers, view.switch.switch_id
    if numbers is None:
        return ()
    digest = sha256(msgspec.json.encode(numbers)).hexdigest()
    if digest == view.switch.numbering_digest:
        return ()
    topics = tuple(
        OffsetsNumbered(
            switch_id=switch_id,
            scope=offsets.scope,
            physical=offsets.physical,
            epoch=offsets.epoch,
            partitions=offsets.partitions,
            before=offsets.before,
            renumbered=renumbered(offsets),
        )
        for offsets in numbers.offsets
    )
    decided = NumberingDecided(
        switch_id=switch_id,
        partitions=numbers.partitions,
        renumbered=sum(len(topic.renumbered) for topic in topics),
        digest=digest,
    )
    return (*topics, *_ids(numbers, switch_id), decided)


def _ids(numbers: Numbers, switch_id: str) -> tuple[TopicIdsRecorded, ...]:
    found = numbers.topic_ids
    if found is None:
        return ()
    return (
        TopicIdsRecorded(
            switch_id=switch_id, scope=found.scope, epoch=found.epoch, pairs=found.pairs
        ),
    )


def numbers_cause(view: View) -> str:
    """Why a switch did not get on that was about to decide."""
    return (
        f"it was not found out in time where records stand on {view.switch.to_cluster}:"
        f" {view.unfinished}"
    )
