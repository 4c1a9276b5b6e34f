"""Has the log know who came to the administration, some moments later: nobody waits for it."""

import asyncio
import time

import structlog

from controlplane.domain.accesses import Accesses
from controlplane.domain.refusal import Refusal
from controlplane.plane import ControlPlane
from controlplane.store.database import LOST, who_cannot_read
from controlplane.store.event_store import Attribution

_logger = structlog.get_logger()

_EVERY_S = 0.5
_BY = Attribution(actor="system:access")


async def record_accesses(plane: ControlPlane, accesses: Accesses) -> None:
    """Record what is due, for ever.

    What cannot be recorded stands in the log of the process alone: while Postgres is away, while
    nothing may be decided on the log, or while a control plane of an older release runs.
    """
    while True:
        await asyncio.sleep(_EVERY_S)
        due = accesses.due(time.monotonic())
        if not due:
            continue
        try:
            async with plane.ledger.turn(_BY) as turn:
                if not await who_cannot_read(turn.connection, "access.login_succeeded"):
                    await turn.append(due)
        except (Refusal, *LOST) as error:
            _logger.warning("access.not_recorded", events=len(due), detail=str(error))
