"""Keeps snapshots of the fold, and begins with the newest one that stands for the log."""

import asyncio

import structlog

from controlplane.domain.facts import Facts
from controlplane.domain.snapshot import (
    UnusableSnapshotError,
    opened,
    restored,
    sealed,
    snapshot_format,
    taken,
)
from controlplane.store.snapshots import Snapshots

_logger = structlog.get_logger()


class SnapshotKeeper:
    """Of one log."""

    def __init__(self, snapshots: Snapshots, token_key: bytes) -> None:
        self._snapshots = snapshots
        self._key = token_key

    async def newest(self) -> tuple[Facts, bytes] | None:
        """The facts as of the newest snapshot that can be used, and the hash of its event.

        None: there is no such snapshot. What cannot be used is told in the process log.
        """
        made_as = snapshot_format()
        async for kept, event_hash in self._snapshots.newest_first(made_as):
            try:
                snapshot = opened(kept, event_hash, self._key)
            except UnusableSnapshotError as error:
                _logger.warning("snapshot.not_used", seq=kept.seq, detail=str(error))
                continue
            _logger.info("snapshot.used", seq=kept.seq)
            return restored(snapshot), kept.hash
        if others := await self._snapshots.others(made_as):
            _logger.info("snapshot.not_used", count=others, detail="another release made them")
        return None

    async def newest_seq(self) -> int:
        """`seq` of the newest snapshot of this release; 0 if there is none."""
        return await self._snapshots.newest_seq(snapshot_format())

    async def keep(self, facts: Facts, event_hash: bytes) -> None:
        """Keep what is known now, in place of older snapshots.

        Args:
            facts: that are known.
            event_hash: of the newest event that they hold.
        """
        snapshot = taken(facts)
        kept = await asyncio.to_thread(sealed, snapshot, event_hash, self._key)
        await self._snapshots.keep(kept)
        _logger.info("snapshot.kept", seq=kept.seq, bytes=len(kept.content))
