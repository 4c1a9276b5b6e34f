"""The node's I/O: follows the control records on both channels, keeps the lease, reports.

Everything is decided by `machine`; this file only feeds it and carries out what it commands.
Channel T is the control topic, channel H is the control planes' HTTP. Either is enough to serve.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Protocol

import httpx
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contract.codec import LAYOUT, UnknownRecordError, decode, require_readable
from contract.fold import ControlState
from contract.records import CONTROL_TOPIC, READS, Beacon, Node, Record, Routing
from contract.session import NodeReport, RecordsAnswer, ScopeReport, SessionAnswer, Unrest
from dataplane.cancellation import heed_cancellation
from dataplane.node import contradiction, machine
from dataplane.node.control_planes import ControlPlanes
from upstream.closing import close

HEARTBEAT = 1.0
"""Seconds between two session reports, and between two looks at the topic's end."""

AWAITED_HEARTBEAT = 0.2
"""The same while a switch waits for clients to come to rest, or back to their groups."""

TICK = 0.1
"""Seconds between two looks at the clock."""

LONG_POLL = 20.0
"""Seconds that a control plane may keep a request for newer records open."""

log = structlog.get_logger()


class OutdatedError(RuntimeError):
    """This process cannot go on; one that is started afresh can."""


class SupersededError(OutdatedError):
    """Another process has registered under this node's id."""


class ForgottenError(OutdatedError):
    """The node is registered no more: no barrier waits for it, so it may not serve."""


class LogReplacedError(OutdatedError):
    """The control plane's log is another than the one that was followed, and nobody is served."""


class GatewayControls(Protocol):
    """The gateway, as its follower sees it."""

    def carry_out(self, command: machine.Command) -> None:
        """Do what the state machine says with one scope."""

    def set_lease(self, deadline: float) -> None:
        """Serve up to a monotonic second."""

    def record_applied(self, record: Record) -> None:
        """A control record changed the state."""

    def scope_counts(self, scope: str) -> tuple[int, int, int, float | None]:
        """In flight, held, cut, and milliseconds to the first acknowledged write."""
        ...

    def unrest(self, scope: str) -> Unrest | None:
        """What has not come to rest yet in a scope that is quiescing."""
        ...

    def returning(self, scope: str) -> int:
        """Members that waited for a scope to move, and are not back in their groups."""
        ...


class Follower:
    """Keeps one node in step with the log."""

    def __init__(  # noqa: PLR0913 - each is given by its name
        self,
        *,
        node_id: str,
        incarnation: str,
        control: ControlState,
        control_planes: ControlPlanes,
        control_client: Callable[[], Mapping[str, Any]],
        gateway: GatewayControls,
        sealing_keys: tuple[str, ...] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Follow for one incarnation of a node; `control` is shared with the gateway.

        `control_client` says what an aiokafka client of the control topic's cluster is made with,
        `sealing_keys` what the keys are called that open sealed verifiers.
        """
        self.state = machine.NodeState()
        self._node_id = node_id
        self._incarnation = incarnation
        self._control = control
        self._control_planes = control_planes
        self._control_client = control_client
        self._gateway = gateway
        self._sealing_keys = sealing_keys
        self._clock = clock
        self._applied_seq = 0
        self._lease_s: float | None = None
        """How long a lease is, as a control plane said last: the coordinator waits that long for
        a node that does not answer, so a lease of the topic must not be longer."""
        self._known_to_control = asyncio.Event()
        self._log_known = asyncio.Event()
        self._report_now = asyncio.Event()
        self._events: deque[machine.Event] = deque()
        self._leaving = False
        self._contradiction: str | None = None
        """What a channel said last against what was applied; it was refused."""

    @property
    def contradiction(self) -> str | None:
        """What a channel said last against what was applied, and was refused."""
        return self._contradiction

    @property
    def applied_seq(self) -> int:
        """Every record up to this `seq` has been applied."""
        return self._applied_seq

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            ExceptionGroup: with an OutdatedError in it, if a fresh process must take over.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick())
            tasks.create_task(self._keep_session())
            tasks.create_task(self._follow_http())
            tasks.create_task(self._follow_topic())

    # --- the machine -----------------------------------------------------------------------------

    def take(self, event: machine.Event) -> None:
        """Hand an event to the machine and carry out what follows, in order, never nested."""
        self._events.append(event)
        if len(self._events) > 1:
            return
        while self._events:
            now = self._clock()
            self.state, commands = machine.handle(self.state, self._events[0], now)
            self._gateway.set_lease(self.state.relay_deadline)
            for command in commands:
                self._log_command(command)
                if command.order is machine.Order.REPORT:
                    self._report_now.set()
                else:
                    self._gateway.carry_out(command)
            self._events.popleft()

    @staticmethod
    def _log_command(command: machine.Command) -> None:
        if command.order is not machine.Order.REPORT:
            routing = command.routing
            log.info(
                "scope ordered",
                order=command.order.value,
                scope=routing.scope,
                cluster=routing.cluster,
                epoch=routing.epoch,
                term=routing.term,
            )

    def _apply(self, record: Record) -> bool:
        """Take a record in; False if it speaks against what was applied, and is refused."""
        require_readable(record.v)
        found = contradiction.of_record(self._control, self._applied_seq, record)
        if found is not None:
            self._refuse(found)
            return False
        if self._control.apply(record):
            self._act_on(record)
        return True

    def _refuse(self, found: str) -> None:
        """Go on with what was applied, and say so."""
        if found != self._contradiction:
            log.error("control record refused; the node goes on with what it knows", detail=found)
            self._contradiction = found
            self._report_now.set()

    def _act_on(self, record: Record) -> None:
        state = record.state
        self._gateway.record_applied(record)
        if isinstance(state, Routing):
            self.take(machine.RoutingApplied(state))
        elif isinstance(state, Node) and state.node_id == self._node_id:
            self._compare_incarnation(state)
        elif state is None and record.key == f"node/{self._node_id}" and self.state.registered:
            raise ForgottenError(
                f"node {self._node_id} was forgotten by an operator: no switch would wait for it;"
                " start it again to register"
            )

    def _fits(self, answer: RecordsAnswer | SessionAnswer, asked_at: int) -> bool:
        """Whether an answer is of the log that is followed, and of all that is known of it.

        Raises:
            LogReplacedError: it is of another, and the node serves nobody.
        """
        found = contradiction.of_answer(
            self._control.log, asked_at, answer.log, answer.head_seq
        ) or _of_other_log(self._control.log, answer.records)
        if found is None:
            return True
        if answer.log not in {None, self._control.log} and not self._holds_clients:
            raise LogReplacedError(
                "the control plane has begun a new log, in which this process is not registered:"
                " start the node again"
            )
        self._refuse(found)
        return False

    @property
    def _holds_clients(self) -> bool:
        """Whether clients are served, or wait behind a fence."""
        return any(s.phase in {"serving", "draining", "drained"} for s in self.state.standings)

    def _compare_incarnation(self, node: Node) -> None:
        if node.incarnation == self._incarnation:
            self.take(machine.Registered())
        elif self.state.registered:
            raise SupersededError(
                f"another process registered as node {self._node_id}: give each its own"
                " INTERLOCK_NODE_ID"
            )

    def _apply_answer(self, answer: RecordsAnswer | SessionAnswer, asked_at: int) -> bool:
        """Take an answer in; False if it speaks against what was applied when it was asked for."""
        if not self._fits(answer, asked_at):
            return False
        if [record for record in answer.records if not self._apply(record)]:
            return False
        self._applied_seq = max(self._applied_seq, answer.head_seq)
        if self._contradiction is not None:
            log.warning("control plane and node agree again", seq=self._applied_seq)
            self._contradiction = None
        return True

    def _stop_at(self, error: UnknownRecordError) -> None:
        log.error("control record cannot be read; the node stops serving", error=str(error))
        self.take(machine.RecordUnreadable(str(error)))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.take(machine.Ticked())

    # --- channel H -------------------------------------------------------------------------------

    async def _follow_http(self) -> None:
        """Register, then ask for newer records for ever."""
        while True:
            try:
                await self._control_planes.register(self._node_id, self._incarnation)
                self._known_to_control.set()
                break
            except httpx.HTTPError as error:
                log.warning("cannot register with a control plane", error=repr(error))
                await asyncio.sleep(HEARTBEAT)
        wait = 0.0
        while True:
            try:
                asked_at = self._applied_seq
                answer = await self._control_planes.records(asked_at, wait)
                if self._control.log is None:
                    self._control.adopt(answer.log)
                if self._apply_answer(answer, asked_at):
                    self.take(machine.Replayed())
                    self._log_known.set()
                    wait = LONG_POLL
                else:
                    await asyncio.sleep(HEARTBEAT)
            except UnknownRecordError as error:
                self._stop_at(error)
                await asyncio.sleep(HEARTBEAT)
            except httpx.HTTPError as error:
                log.warning("cannot follow a control plane", error=repr(error))
                await asyncio.sleep(HEARTBEAT)

    async def _keep_session(self) -> None:
        """Report each heartbeat and each change of phase; the answer is a lease, or why not."""
        refusal: str | None = None
        await self._known_to_control.wait()
        while True:
            sent_at, asked_at = self._clock(), self._applied_seq
            try:
                answer = await self._control_planes.session(self._node_id, self._report())
                fits = self._apply_answer(answer, asked_at)
                self._lease_s = answer.lease_s
                if answer.granted and fits:
                    self.take(machine.SessionGranted(sent_at, answer.lease_s))
                elif answer.refusal != refusal:
                    log.warning("no lease over HTTP", reason=answer.refusal)
                refusal = answer.refusal
            except UnknownRecordError as error:
                self._stop_at(error)
            except httpx.HTTPError as error:
                log.warning("cannot report to a control plane", error=repr(error))
            await self._until_next_report()

    async def _until_next_report(self) -> None:
        try:
            async with asyncio.timeout(self._heartbeat):
                await self._report_now.wait()
        except TimeoutError:
            pass
        self._report_now.clear()

    @property
    def _heartbeat(self) -> float:
        routings = [standing.routing for standing in self.state.standings]
        waited_for = any(r.state == "quiescing" or r.withholds_records for r in routings)
        return AWAITED_HEARTBEAT if waited_for else HEARTBEAT

    def _report(self) -> NodeReport:
        scopes = {s.routing.scope: self._scope_report(s) for s in self.state.standings}
        return NodeReport(
            incarnation=self._incarnation,
            applied_seq=self._applied_seq,
            digest=self._control.digest(),
            scopes=scopes,
            unreadable=self.state.unreadable,
            sealing_keys=self._sealing_keys,
            reads=READS,
            leaving=self._leaving,
            log=self._control.log,
            layout=LAYOUT,
            contradiction=self._contradiction,
        )

    def _scope_report(self, standing: machine.Standing) -> ScopeReport:
        routing = standing.routing
        in_flight, held, cut, first_ack_ms = self._gateway.scope_counts(routing.scope)
        return ScopeReport(
            phase=standing.phase,
            epoch=routing.epoch,
            term=routing.term,
            in_flight=in_flight,
            held=held,
            cut=cut,
            first_ack_ms=first_ack_ms,
            unrest=self._gateway.unrest(routing.scope),
            returning=self._gateway.returning(routing.scope),
        )

    async def leave(self) -> None:
        """Give the lease back; the gateway holds no connection any more."""
        self._leaving = True
        try:
            await self._control_planes.session(self._node_id, self._report())
        except (httpx.HTTPError, UnknownRecordError) as error:
            log.warning("cannot say good-bye to a control plane", error=repr(error))

    # --- channel T -------------------------------------------------------------------------------

    async def _follow_topic(self) -> None:
        """Read the control topic from its beginning; after any trouble, start over."""
        await self._log_known.wait()
        while True:
            consumer = AIOKafkaConsumer(
                **self._control_client(),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                retry_backoff_ms=200,
            )
            try:
                await consumer.start()
                await self._read_topic(consumer)
            except UnknownRecordError as error:
                self._stop_at(error)
            except (KafkaError, OSError, TimeoutError, TopicReplacedError) as error:
                log.warning("cannot follow the control topic", error=repr(error))
            finally:
                await close(consumer.stop())
            heed_cancellation()
            await asyncio.sleep(HEARTBEAT)

    async def _read_topic(self, consumer: AIOKafkaConsumer) -> None:
        partition = TopicPartition(CONTROL_TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        while True:
            asked_at = self._clock()
            end: int = (await consumer.end_offsets([partition]))[partition]
            if end < await consumer.position(partition):
                raise TopicReplacedError
            await self._read_up_to(consumer, partition, end)
            self.take(machine.Replayed())
            if self._lease_s is not None:
                self.take(machine.TopicRead(asked_at, self._lease_s))

    async def _read_up_to(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
    ) -> None:
        """Apply what there is, at least up to `end`; wait a little if that is nothing."""
        while True:
            batches = await consumer.getmany(partition, timeout_ms=int(HEARTBEAT * 500))
            for message in batches.get(partition, ()):
                if message.value is not None:
                    self._apply_from_topic(decode(message.value))
            if await consumer.position(partition) >= end:
                return

    def _apply_from_topic(self, record: Record) -> None:
        """Take a record of the topic in.

        Everything up to a `seq` was read only where a beacon says so: a leader of an older release
        writes the newest routing before what comes before it.
        """
        if record.log != self._control.log or not self._apply(record):
            return
        if isinstance(record.state, Beacon) and self._contradiction is None:
            self._applied_seq = max(self._applied_seq, record.seq)
            if any(s.routing.state != "serving" for s in self.state.standings):
                # A switch waits for a report that says so.
                self._report_now.set()


def _of_other_log(log: str | None, records: tuple[Record, ...]) -> str | None:
    """What records say against the log that is followed; None: they are of it."""
    for record in records:
        if log is not None and record.log != log:
            return f"{record.key} is of another log ({record.log}) than the one followed ({log})"
    return None


class TopicReplacedError(RuntimeError):
    """The topic ends before what was read of it: it was deleted and made again."""
