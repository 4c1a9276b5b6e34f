"""Notes what clients did to topics, many at once: a node tells what has come together."""

from collections.abc import Iterable

import msgspec
import structlog

from contract.session import TopicChanges, TopicCreated, TopicDeleted
from contract.shown import quoted
from controlplane.domain.commands import MapTopic, UnmapTopic
from controlplane.domain.topics import TopicCommand, note_topics
from controlplane.ledger import Ledger
from controlplane.store.event_store import Attribution
from controlplane.store.idempotency import IdempotencyKey

_logger = structlog.get_logger()

_NO_CONTENT = 204


async def note_changes(ledger: Ledger, told: TopicChanges, by: Attribution) -> None:
    """Note all of it with one append, once however often the call is repeated.

    What is refused is told in the log, and keeps no other out.
    """
    async with ledger.turn(by) as turn:
        call = _call(told, by)
        if call is not None:
            if await call.find(turn.connection) is not None:
                return
            await call.forget_old(turn.connection)
            await call.keep(turn.connection, _NO_CONTENT, "null")
        noted = note_topics(turn.facts, commands_of(told))
        await turn.append(noted.events)
    for command, refusal in noted.refused:
        topic = quoted(command.vcluster + command.logical)
        _logger.warning("topic.not_noted", topic=topic, reason=str(refusal))


def _call(told: TopicChanges, by: Attribution) -> IdempotencyKey | None:
    """The call by its name; None: the node is of an older release, and gives it none."""
    if not told.call_id:
        return None
    request = msgspec.json.encode(told)
    return IdempotencyKey(principal=by.actor, key=told.call_id, request=request)


def commands_of(told: TopicChanges) -> Iterable[TopicCommand]:
    """What a node tells, as what is to be noted, in its order; what is neither is left out."""
    changes = (change.created or change.deleted for change in told.changes)
    return (command_of(change) for change in changes if change is not None)


def command_of(told: TopicCreated | TopicDeleted) -> TopicCommand:
    """What a node tells, as what is to be noted of it."""
    command = MapTopic if isinstance(told, TopicCreated) else UnmapTopic
    return command(**msgspec.structs.asdict(told))
