"""This process's view of the log: always up to date, and the only way to add to it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.records import Record
from controlplane.domain.anchors import LogAnchor
from controlplane.domain.commands import Command
from controlplane.domain.copies import Copy, Log
from controlplane.domain.decide import decide
from controlplane.domain.event import Event, Recorded
from controlplane.domain.events import LogReconciled
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Unavailable
from controlplane.pulse import Pulse
from controlplane.snapshot_keeper import SnapshotKeeper
from controlplane.store.event_store import Attribution, EventStore, append, hash_at, tail

_logger = structlog.get_logger()

_DIGESTS_KEPT = 256


class LogBehindError(Unavailable):
    """A copy of the truth knows more than the log: nothing is decided on it."""


class Turn:
    """One's turn to write: the facts stand still until it ends."""

    def __init__(self, connection: AsyncConnection, facts: Facts, by: Attribution) -> None:
        self.connection = connection
        self.facts = facts
        self.appended: list[Recorded] = []
        self._by = by

    async def append(self, events: Sequence[Event]) -> list[Recorded]:
        """Add events; they become facts when the turn ends well.

        Raises:
            IllegalTransitionError: one of them cannot follow; the turn has to end with it.
        """
        new = await append(self.connection, events, self.facts.versions, self._by)
        self.facts.check([*self.appended, *new])
        self.appended += new
        return new

    async def carry_out(self, command: Command) -> list[Recorded]:
        """Decide on a command and add what follows.

        Raises:
            Refusal: it is not carried out, and why.
        """
        return await self.append(decide(self.facts, command))


class Ledger:
    """Follows the log and takes turns to write to it."""

    def __init__(
        self,
        store: EventStore,
        snapshots: SnapshotKeeper,
        facts: Facts,
        crash_at: str | None = None,
        stop_at: str | None = None,
    ) -> None:
        self.store = store
        self._snapshots = snapshots
        self.facts = facts
        self.changed = Pulse()
        """Beats after every change of the facts, and when a node reported during a switch."""
        self.closing = False
        """Whether those who wait should stop waiting, because the process is to end."""
        self.objection: str | None = None
        """Why nothing may be decided on this log; None: nothing is known against it."""
        self.remembered: Copy | None = None
        """What was read of the log before its tail was lost; None: all of it is still there."""
        self._looked = asyncio.Event()
        self._hash = b""
        """Of the newest event that was read."""
        self._digests: dict[int, str] = {}
        """Digests of the control state as of a `seq`, as far as somebody asked in time."""
        self._signals = {crash_at: signal.SIGKILL, stop_at: signal.SIGSTOP}

    @classmethod
    async def open(
        cls,
        store: EventStore,
        snapshots: SnapshotKeeper,
        crash_at: str | None = None,
        stop_at: str | None = None,
    ) -> "Ledger":
        """Read the log: a snapshot of what it adds up to, and what came since."""
        facts = Facts((await store.head()).log)
        ledger = cls(store, snapshots, facts, crash_at, stop_at)
        ledger.facts, ledger._hash = await ledger._folded()
        _logger.info("log.read", log=ledger.facts.log, seq=ledger.facts.seq)
        return ledger

    def judged(self, objection: str | None) -> None:
        """The copies of the truth were looked at: whether the log may be decided on."""
        self.objection = objection
        self._looked.set()
        self.changed.beat()

    def digest_at(self, seq: int) -> str | None:
        """The digest of the control state as of a `seq`; None where nobody can tell any more."""
        control = self.facts.control
        if control.seq <= seq <= self.facts.seq and seq not in self._digests:
            self._digests[seq] = control.digest()
            for oldest in list(self._digests)[:-_DIGESTS_KEPT]:
                del self._digests[oldest]
        return self._digests.get(seq)

    def head(self) -> LogAnchor:
        """The newest event that was read, as an anchor of the log."""
        return LogAnchor(log=self.facts.log, seq=self.facts.seq, hash=self._hash.hex())

    def as_log(self) -> Log:
        """The log, for copies of the truth to be compared with."""
        return Log(log=self.facts.log, seq=self.facts.seq, digest_at=self.digest_at)

    @asynccontextmanager
    async def turn(self, by: Attribution, *, reconciles: bool = False) -> AsyncIterator[Turn]:
        """Wait for one's turn, with the facts brought up to the end of the log.

        Args:
            by: whose turn, and why.
            reconciles: it is there to settle what stands against the log.

        Raises:
            LogBehindError: a copy of the truth knows more than the log.
        """
        await self._looked.wait()
        async with self.store.exclusive() as (connection, head):
            seq, known = self.facts.seq, self._hash
            found = await hash_at(connection, seq) if seq else known
            if found != known and self.facts.seq == seq:
                raise LogBehindError(
                    "the log does not have the event any more that was read last: its database was"
                    " restored, or is another; look at `interlock control reconcile`"
                )
            while self.facts.seq < head.seq:
                self._apply(await tail(connection, self.facts.seq))
            if self.objection is not None and not reconciles:
                raise LogBehindError(self.objection)
            turn = Turn(connection, self.facts, by)
            yield turn
        self._apply(turn.appended)
        self._halt_if_told(turn.appended)

    async def carry_out(self, command: Command, by: Attribution) -> list[Recorded]:
        """Decide on a command and add what follows, in a turn of its own.

        Raises:
            Refusal: it is not carried out, and why.
        """
        async with self.turn(by) as turn:
            return await turn.carry_out(command)

    async def catch_up(self, at_least: int = 0) -> None:
        """Read what others have written; returns once the facts hold `at_least` that `seq`."""
        while True:
            new = await self.store.read(self.facts.seq)
            if new and await self._is_cut():
                await self._begin_anew()
                continue
            self._apply(new)
            if not new or self.facts.seq >= at_least:
                return

    async def follow(self) -> None:
        """Read what others have written; begin anew where the log is not what was read of it."""
        if await self._is_cut():
            await self._begin_anew()
        await self.catch_up()

    async def _is_cut(self) -> bool:
        """Whether the event that was read last is not in the log, or not as it was."""
        seq, known = self.facts.seq, self._hash
        return seq > 0 and await self.store.hash_at(seq) != known and self.facts.seq == seq

    async def _begin_anew(self) -> None:
        """Read the whole log again; what was known of it before is a copy that knows more."""
        cut = self.facts
        facts, newest = await self._folded()
        if self.facts is not cut:
            return
        _logger.error("log.cut", log=cut.log, read_up_to=cut.seq, ends_at=facts.seq)
        if self.remembered is None or self.remembered.seq <= cut.seq:
            self.remembered = Copy(
                where="this control plane itself",
                log=cut.log,
                seq=cut.seq,
                digest=cut.control.digest(),
            )
        self.facts, self._hash = facts, newest
        self._digests.clear()
        self.changed.beat()

    async def _folded(self) -> tuple[Facts, bytes]:
        """All that the log adds up to, and the hash of its newest event."""
        log = (await self.store.head()).log
        facts, newest = await self._snapshots.newest() or (Facts(log), b"")
        while new := await self.store.read(facts.seq):
            for recorded in new:
                facts.apply(recorded)
            newest = new[-1].hash
        return facts, newest

    def close(self) -> None:
        """Send everyone home who waits."""
        self.closing = True
        self.changed.beat()

    async def fresh(self) -> Facts:
        """The facts, brought up to the end of the log."""
        await self.catch_up()
        return self.facts

    def records_after(self, seq: int) -> tuple[Record, ...]:
        """The control records newer than a `seq` that still count, oldest first."""
        if seq >= self.facts.control.seq:
            return ()
        return tuple(self.facts.control.records_after(seq))

    async def wait_for(self, holds: Callable[[Facts], bool], timeout_s: float) -> bool:
        """Whether something becomes true of the facts within a time, and before closing."""
        try:
            async with asyncio.timeout(timeout_s):
                while not holds(self.facts):
                    if self.closing:
                        return False
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True

    def _apply(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            # The same events arrive from one's own turn and from following.
            if recorded.seq <= self.facts.seq:
                continue
            self.facts.apply(recorded)
            self._hash = recorded.hash
            if isinstance(recorded.event, LogReconciled):
                self.remembered = None
                self._digests.clear()
            _tell(recorded)
        if events:
            self.changed.beat()

    def _halt_if_told(self, appended: Sequence[Recorded]) -> None:
        for recorded in appended:
            if (number := self._signals.get(recorded.event.kind)) is not None:
                os.kill(os.getpid(), number)


def _tell(recorded: Recorded) -> None:
    _logger.info(
        recorded.event.kind,
        seq=recorded.seq,
        subject=recorded.event.stream,
        actor=recorded.actor,
    )
