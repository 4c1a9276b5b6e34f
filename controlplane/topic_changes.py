"""Notes what clients did to topics, many at once: a node tells what has come together."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from contract.session import TopicChanges, TopicCreated, TopicDeleted
from contract.shown import quoted
from controlplane.domain.commands import MapTopic, UnmapTopic
from controlplane.domain.topics import TopicCommand, note_topics
from controlplane.ledger import Ledger
from controlplane.store.event_store import Attribution, clock
from controlplane.store.idempotency import IdempotencyKey

_logger = structlog.get_logger()

_NO_CONTENT = 204
_LONGEST_AGO_S = 86_400.0
"""Longer ago than anything that may still be on its way."""


async def note_changes(ledger: Ledger, told: TopicChanges, by: Attribution) -> None:
    """Note all of it with one append, once however often the call is repeated.

    What is refused is told in the log, and keeps no other out.
    """
    async with ledger.turn(by) as turn:
        call = _call(told, by)
        now = await clock(turn.connection)
        if call is not None:
            if await call.find(turn.connection) is not None:
                return
            await call.forget_old(turn.connection)
            await call.keep(turn.connection, _NO_CONTENT, "null")
        noted = note_topics(turn.facts, commands_of(told, now))
        await turn.append(noted.events)
    for command, refusal in noted.refused:
        topic = quoted(command.vcluster + command.logical)
        _logger.warning("topic.not_noted", topic=topic, reason=str(refusal))


def _call(told: TopicChanges, by: Attribution) -> IdempotencyKey | None:
    """The call by its name; None: the node is of an older release, and gives it none."""
    if not told.call_id:
        return None
    # How long ago it was is another each time.
    timeless = tuple(msgspec.structs.replace(change, ago_s=0.0) for change in told.changes)
    request = msgspec.json.encode(msgspec.structs.replace(told, changes=timeless))
    return IdempotencyKey(principal=by.actor, key=told.call_id, request=request)


def commands_of(told: TopicChanges, now: datetime) -> Iterable[TopicCommand]:
    """What a node tells, as what is to be noted, in its order; what is neither is left out.

    Args:
        told: by an older release without how long ago it was.
        now: by the clock of the log.
    """
    for change in told.changes:
        ago = timedelta(seconds=min(change.ago_s, _LONGEST_AGO_S))
        at = now - ago if change.ago_s > 0 else None
        if (fact := change.created or change.deleted) is not None:
            yield command_of(fact, at)


def command_of(told: TopicCreated | TopicDeleted, at: datetime | None = None) -> TopicCommand:
    """What a node tells, as what is to be noted of it, and when it happened if that is known."""
    command = MapTopic if isinstance(told, TopicCreated) else UnmapTopic
    return command(**msgspec.structs.asdict(told), at=at)
