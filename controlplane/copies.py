"""Compares the log with every copy of the truth that this control plane sees.

Nodes report how far they have come, the control topic says what was broadcast, and this process
remembers what it has read. Whether the log may be decided on is asked by whoever is about to.
"""

import asyncio
import time

import msgspec
import structlog

from contract.clusters_file import ClusterProperties
from contract.codec import LAYOUT
from controlplane.domain.copies import Contradiction, Copy, contradictions, told
from controlplane.ledger import Ledger
from controlplane.probes.failing import LookError
from controlplane.publisher.broadcast import (
    LOOK_BUDGET_S,
    Broadcast,
    open_broadcast,
    within_budget,
)
from controlplane.store.database import LOST
from controlplane.store.sessions import Session, Sessions

_logger = structlog.get_logger()

_POLL_S = 0.5
_TOPIC_EVERY_S = 2.0
_AGAIN_S = 2.0


class Copies:
    """What is known of the truth elsewhere."""

    def __init__(self, ledger: Ledger, sessions: Sessions, cluster: ClusterProperties) -> None:
        """Nothing was looked at yet; `cluster` is that of the control topic."""
        self.found: tuple[Contradiction, ...] = ()
        """What stands against the log; empty: it may be decided on."""
        self._ledger = ledger
        self._sessions = sessions
        self._cluster = cluster
        self._nodes: tuple[Copy, ...] = ()
        self._topic: Copy | None = None
        self._said_since: dict[Copy, float] = {}
        self._broadcast: Broadcast | None = None
        self._reading = asyncio.Lock()
        self._tried = asyncio.Event()
        """The control topic was looked at, or cannot be."""

    @property
    def known(self) -> tuple[Copy, ...]:
        """Every copy, as it was seen last."""
        own = [copy for copy in (self._topic, self._ledger.remembered) if copy is not None]
        return (*self._nodes, *own)

    async def watch(self) -> None:
        """Look again and again, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_topic())
            tasks.create_task(self._watch_nodes())
            tasks.create_task(self._go_without_topic())

    async def look(self) -> tuple[Contradiction, ...]:
        """Look at everything now; what stands against the log.

        A control topic that cannot be read stands against nothing: it is what it was before.
        """
        await self._tried.wait()
        await self._look_at_topic()
        await self._look_at_nodes()
        return self.found

    async def _watch_topic(self) -> None:
        """Keep a reader of the topic open, and look every few seconds."""
        while True:
            try:
                async with open_broadcast(self._cluster) as self._broadcast:
                    while await self._look_at_topic():  # noqa: ASYNC110 - the topic is polled
                        await asyncio.sleep(_TOPIC_EVERY_S)
            except LookError as error:
                await self._tell_unread(error)
            finally:
                self._broadcast = None
            await asyncio.sleep(_AGAIN_S)

    async def _look_at_topic(self) -> bool:
        """Whether the topic could be read; its end is judged by a log that is read after it."""
        if self._broadcast is None:
            return False
        try:
            async with self._reading:
                topic = await within_budget(self._broadcast)
        except LookError as error:
            await self._tell_unread(error)
            return False
        self._topic = topic
        self._tried.set()
        await self._judge()
        return True

    async def _tell_unread(self, error: LookError) -> None:
        _logger.warning("control_topic.not_compared", detail=str(error))
        self._tried.set()
        await self._judge()

    async def _go_without_topic(self) -> None:
        """Whoever cannot reach the control topic decides as ever, by what else is known."""
        await asyncio.sleep(LOOK_BUDGET_S)
        self._tried.set()
        await self._judge()

    async def _watch_nodes(self) -> None:
        while True:
            await self._look_at_nodes()
            await asyncio.sleep(_POLL_S)

    async def _look_at_nodes(self) -> None:
        try:
            sessions = await self._sessions.newest()
        except LOST:
            return  # whoever follows the log says so
        self._nodes = self._aged([copy_of(session) for session in sessions.values()])
        await self._judge()

    def _aged(self, copies: list[Copy]) -> tuple[Copy, ...]:
        """With for how long each has said just this."""
        now = time.monotonic()
        self._said_since = {copy: self._said_since.get(copy, now) for copy in copies}
        return tuple(
            msgspec.structs.replace(copy, said_for_s=now - since)
            for copy, since in self._said_since.items()
        )

    async def _judge(self) -> None:
        """Compare with the log as it is now, which is newer than what was seen of its copies."""
        try:
            await self._ledger.follow()
        except LOST:
            return  # whoever follows the log says so
        found = contradictions(self._ledger.as_log(), self.known)
        self._tell(found)
        self.found = found
        if found or self._tried.is_set():
            self._ledger.judged(told(found) if found else None)

    def _tell(self, found: tuple[Contradiction, ...]) -> None:
        """Say when it begins, and when it is over."""
        if found and not self.found:
            _logger.error("log.contradicted", detail=told(found))
        elif self.found and not found:
            _logger.warning("log.whole_again", seq=self._ledger.facts.seq)


def copy_of(session: Session) -> Copy:
    """What a node's report says of the truth."""
    report = session.report
    return Copy(
        where=f"node {session.node_id}",
        log=report.log,
        seq=report.applied_seq,
        digest=report.digest if report.layout == LAYOUT else None,
        said_for_s=0.0,
    )
