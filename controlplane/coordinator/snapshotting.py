"""Keeps a snapshot of the fold whenever so many events have come."""

import structlog

from controlplane.plane import ControlPlane
from controlplane.store.database import LOST

_logger = structlog.get_logger()

_IDLE_S = 5.0


async def keep_snapshots(plane: ControlPlane) -> None:
    """Keep them, for ever; not while a switch is under way, which nothing should hold up."""
    ledger, every = plane.ledger, plane.settings.interlock_snapshot_every
    kept_seq = min(await plane.snapshots.newest_seq(), ledger.facts.seq)
    while True:
        facts = ledger.facts
        if facts.seq - kept_seq >= every and not any(facts.open_switches()):
            kept_seq = facts.seq
            try:
                await plane.snapshots.keep(facts, bytes.fromhex(ledger.head().hash))
            except LOST as error:
                _logger.warning("snapshot.not_kept", seq=kept_seq, detail=str(error))
        await ledger.changed.wait(_IDLE_S)
