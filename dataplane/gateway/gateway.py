"""The node's data path put together: listeners, scopes, clients, connections to brokers."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import cast

import structlog

from contract.fold import ControlState
from contract.issuer_keys import IssuerKeys
from contract.records import (
    Cluster,
    Face,
    Record,
    Routing,
    ServiceAccount,
    TopicMapping,
    VirtualCluster,
)
from contract.server_certificate import ServerCertificate
from contract.session import Unrest
from dataplane.gateway.accounts import Accounts
from dataplane.gateway.aliases import Aliases
from dataplane.gateway.broker_login import connect
from dataplane.gateway.client_connection import ClientConnection
from dataplane.gateway.frames import LentBuffer
from dataplane.gateway.inventory import Inventory
from dataplane.gateway.logins import Logins
from dataplane.gateway.loop_lag import LoopLag
from dataplane.gateway.mechanisms import Mechanisms
from dataplane.gateway.memory_pool import slowest
from dataplane.gateway.node_memory import NodeMemory
from dataplane.gateway.recorded import Recorded
from dataplane.gateway.scope import Scope
from dataplane.gateway.services import Client, ClientRelay, Counters
from dataplane.gateway.tallies import Tallies
from dataplane.gateway.tenant import Tenant, Views
from dataplane.gateway.tls_listener import TlsListener
from dataplane.gateway.topic_names import TopicNames
from dataplane.gateway.topics_under_way import Untold
from dataplane.gateway.topology import Topology
from dataplane.gateway.write_order import WriteOrder
from dataplane.node import machine
from dataplane.relay.exchange import Request
from dataplane.relay.lease import Lease
from dataplane.settings import GatewaySettings
from dataplane.virtual.census import Census, Expectations
from dataplane.virtual.division import Ruling
from dataplane.virtual.judgement import judge
from dataplane.virtual.relayed import Relayed
from dataplane.virtual.topics import asked_topics, topic_facts
from dataplane.wire.primitives import Buffer
from upstream.access import access_to
from upstream.sasl.mechanism import LoginRefusedError

HOLD_LIMIT = 8.0
"""Seconds that a request may be held before it is answered with a retriable error."""

AUTHENTICATION_LIMIT = 30.0
"""Seconds that a client may take to authenticate."""

SESSION_GRACE = 600.0
"""Seconds for which a connection may stay whose session is over and that asks nothing more (Kafka:
`connections.max.idle.ms`). A client that has been idle authenticates again before its next request,
and one that waits for an answer, such as that of JoinGroup, after that."""

PRODUCER_LIMIT = 600.0
"""Seconds after which a producer has given up on a write: `delivery.timeout.ms` is 120 s in Java,
`message.timeout.ms` 300 s in librdkafka."""

MEMORY_LIMIT = 10.0
"""Seconds that a connection may wait for memory, and that another may hold it meanwhile."""

DIALS_AT_ONCE = 64
"""Connections to brokers that are being made at the same time."""

DIAL_TIMEOUT = 3.0
"""Seconds for one connection to one broker."""

DIAL_PAUSE = 0.2
"""Seconds between two rounds over a cluster's brokers."""

log = structlog.get_logger()


class Gateway:
    """One node's data path. Satisfies `services.Services` and `follower.Gateway`."""

    def __init__(self, settings: GatewaySettings, control: ControlState) -> None:
        """Share `control` with the follower, which fills it."""
        self._settings = settings
        self.control = control
        self.lease = Lease()
        self.counters = Counters()
        self.logins = Logins(control, settings.seal)
        self.issuer_keys = IssuerKeys(settings.oauth_jwks_url, settings.oauth_jwks_refresh_s)
        self.mechanisms = Mechanisms(
            settings.sasl_mechanisms,
            settings.signing_key,
            self.logins,
            settings.token_rules,
            self.issuer_keys,
        )
        self.longest_session = timedelta(milliseconds=settings.longest_session_ms)
        self.shows_certificates = settings.security_protocol == "SSL"
        self._aliases = Aliases(control)
        self._recorded = Recorded(control)
        self.views = Views(
            control,
            self._aliases,
            self._recorded,
            advertised_host=settings.advertised_host,
            port_start=settings.port_start,
        )
        self.memory = NodeMemory(
            node_bytes=settings.node_memory_bytes, account_bytes=settings.account_memory_bytes
        )
        self.accounts = Accounts(
            control, self._aliases, self.memory, settings.account_elements_per_second
        )
        self.write_order = WriteOrder()
        self.lent_buffer = LentBuffer()
        self._expectations = Expectations()
        self.connections: set[Client] = set()
        self.topic_facts: asyncio.Queue[Untold] = asyncio.Queue()
        self.tell: Callable[[machine.Event], None] = _nobody_listens
        """Where the follower hears of closed connections and of a lease that ran out."""
        self._accesses = {c.name: access_to(c) for c in settings.clusters}
        self.topic_names = TopicNames(self._accesses)
        self.relayed = Relayed()
        self.tallies = Tallies()
        self.inventory = Inventory()
        self.loop_lag = LoopLag()
        self._topology = Topology(settings.clusters)
        self._scopes: dict[str, Scope] = {}
        self._dials = asyncio.Semaphore(DIALS_AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None
        self._may_listen = asyncio.Event()
        self.accepting = asyncio.Event()
        """Set once the ports are open."""
        files = settings.certificate_files
        self.certificate = ServerCertificate(files) if files is not None else None
        self._listeners: list[asyncio.Server | TlsListener] = []

    async def run(self) -> None:
        """Serve until cancelled; clients are accepted once a scope is served."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._topology.run())
            tasks.create_task(self.topic_names.run())
            tasks.create_task(self.issuer_keys.run())
            tasks.create_task(self._watch_the_clock())
            tasks.create_task(self.loop_lag.run())
            if self.certificate is not None:
                tasks.create_task(self.certificate.run())
            await self._may_listen.wait()
            await self._listen(tasks)

    # --- what the follower asks for --------------------------------------------------------------

    def carry_out(self, command: machine.Command) -> None:
        """Do what the state machine says with one scope."""
        self.scope(command.routing.scope).carry_out(command, monotonic())
        if command.order is machine.Order.SERVE:
            self._may_listen.set()

    def set_lease(self, deadline: float) -> None:
        """Serve up to a monotonic second."""
        self.lease.deadline = deadline

    def record_applied(self, record: Record) -> None:
        """Follow what a record means for live connections and for cached views."""
        if (vcluster := self._aliases.changed(record)) is not None:
            self.views.forget()
            self.accounts.changed(vcluster)
            return
        if self._recorded.changed(record):
            self.views.forget()
        match record.state:
            case Face() as face:
                self.relayed.under(face)
                self.views.forget()
            case Cluster() | Routing():
                self.views.forget()
            case VirtualCluster(name=name):
                self.views.forget()
                self.logins.forget()
                self.accounts.changed(name)
            case ServiceAccount(vcluster=vcluster):
                self.logins.forget()
                self.accounts.changed(vcluster)
                self._cut_off_impostors()
            case TopicMapping(vcluster=vcluster, logical=logical):
                self._expectations.settle(vcluster, logical)
            case None if record.key.startswith(("vcluster/", "account/")):
                self.tallies.forget(record.key.removeprefix("vcluster/"))
                self.logins.forget()
                self._cut_off_impostors()
            case _:
                pass

    def scope_counts(self, scope: str) -> tuple[int, int, int, float | None]:
        """In flight, held, cut, and milliseconds to the first acknowledged write."""
        relays = [c.relay for c in self.connections if c.relay is not None]
        mine = [r for r in relays if r.tenant.scope.name == scope]
        in_flight = sum(r.in_flight for r in mine)
        held = sum(r.waiting + r.parked for r in mine)
        known = self.scope(scope)
        return in_flight, held, known.cut, known.first_ack_ms

    def unrest(self, scope: str) -> Unrest | None:
        """What has not come to rest yet in a scope that is quiescing."""
        return self.scope(scope).unrest(monotonic())

    def returning(self, scope: str) -> int:
        """Members that waited for a scope to move, and are not back in their groups."""
        return self.scope(scope).roster.to_come_back

    # --- what client connections ask for ---------------------------------------------------------

    def scope(self, name: str) -> Scope:
        """The scope of that name."""
        scope = self._scopes.get(name)
        if scope is None:
            scope = self._scopes[name] = Scope(name, self._upstreams_closed)
        return scope

    def lease_lapsed(self) -> None:
        """Let the machine look at the clock now."""
        self.tell(machine.Ticked())

    def topics_changed(self, tenant: Tenant, request: Request) -> None:
        """Tell the control plane which topics a client created, changed or deleted."""
        vcluster = tenant.vcluster.name

        def known(logical: str) -> TopicMapping | None:
            mapping = self.control.get(f"topic/{vcluster}/{logical}")
            return mapping if isinstance(mapping, TopicMapping) else None

        under_way = tenant.scope.topics_under_way
        answer = b"".join(request.answer or ())
        facts, now = topic_facts(vcluster, request.sent_frame, answer, known), monotonic()
        under_way.done(len(facts))
        for fact in facts:
            self.topic_facts.put_nowait(Untold(fact, now, under_way))
        for logical in asked_topics(request.frame) - {fact.logical for fact in facts}:
            self._expectations.settle(vcluster, logical)

    def judge(self, tenant: Tenant, frame: Buffer) -> Ruling | None:
        """Look into a request of an account that has rules, or of an API that always has."""
        rights, now = tenant.account.rights, monotonic()
        census = Census(self._topics(rights.vcluster, now) if rights.counts_topics else {})
        ruling = judge(frame, rights, census)
        self._expectations.add(rights.vcluster, census.expected, now)
        return ruling

    def _topics(self, vcluster: str, now: float) -> dict[str, int]:
        topics = self.control.of_owner(TopicMapping, vcluster)
        recorded = {topic.logical: topic.partitions for topic in topics}
        return recorded | self._expectations.of(vcluster, now)

    def dial(self, relay: ClientRelay, scope: Scope) -> None:
        """Connect to the broker of the client's slot, and hand the connection over."""
        if self._tasks is not None:
            self._tasks.create_task(self._dial(relay, scope))

    # --- inside ----------------------------------------------------------------------------------

    async def _dial(self, relay: ClientRelay, scope: Scope) -> None:
        """Try the slot's broker, then the others: any of them can say where to go instead."""
        give_up_at = monotonic() + HOLD_LIMIT
        while scope.is_open and scope.routing is not None:
            routing = scope.routing
            if relay.is_over:
                return
            try:
                broker = relay.tenant.view.broker_of(relay.slot)
            except LookupError as error:
                relay.upstream_failed(str(error))
                return
            access = self._accesses[routing.cluster]
            for address in self._topology.addresses(routing.cluster, broker):
                try:
                    async with self._dials, asyncio.timeout(DIAL_TIMEOUT):
                        upstream = await connect(access, routing.epoch, address, self.lent_buffer)
                except LoginRefusedError as error:
                    relay.upstream_failed(f"cluster {routing.cluster} refuses us: {error}")
                    return
                except (OSError, TimeoutError):
                    self._topology.doubt(routing.cluster)
                    continue
                upstream.owner = relay
                scope.upstream_opened(upstream.transport)
                relay.upstream_opened(upstream)
                return
            if monotonic() >= give_up_at:
                relay.upstream_failed(
                    f"no broker of cluster {routing.cluster} can be reached"
                    f" {self._topology.problem(routing.cluster)}".rstrip()
                )
                return
            await asyncio.sleep(DIAL_PAUSE)
        relay.dial_abandoned()

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        face = self.control.get("face")
        slots = face.slots if isinstance(face, Face) else 0
        for slot in range(slots):
            connect_client = cast(
                "Callable[[], asyncio.BufferedProtocol]", partial(ClientConnection, self, slot)
            )
            address = (self._settings.bind_host, self._settings.port_start + slot)
            if self.certificate is not None:
                listener = TlsListener(address, self.certificate, connect_client)
                tasks.create_task(listener.run())
                self._listeners.append(listener)
            else:
                server = await asyncio.get_running_loop().create_server(
                    connect_client, *address, reuse_port=True, backlog=1024
                )
                self._listeners.append(server)
        first = self._settings.port_start
        self.accepting.set()
        log.info("accepting clients", ports=f"{first}-{first + slots - 1}")

    async def drain(self, limit: float) -> None:
        """Accept no more clients, and let go of all brokers within `limit` seconds.

        Until then writes in flight may be answered; those that are not have an unknown outcome.
        """
        for server in self._listeners:
            server.close()
        for scope in self._scopes.values():
            scope.close()
        give_up_at = monotonic() + limit
        while any(s.upstreams for s in self._scopes.values()) and monotonic() < give_up_at:  # noqa: ASYNC110 - the data path sets no events
            await asyncio.sleep(0.02)
        for scope in self._scopes.values():
            scope.drop()
        await asyncio.sleep(0)  # a connection is lost one turn of the loop after it was aborted

    async def close(self) -> None:
        """Let the clients go who are still here."""
        for client in tuple(self.connections):
            client.transport.close()

    async def _watch_the_clock(self) -> None:
        """Answer what has been held too long, and end what never authenticated."""
        while True:
            await asyncio.sleep(0.25)
            now = monotonic()
            self.write_order.forget(now - PRODUCER_LIMIT)
            for scope in self._scopes.values():
                scope.wait_no_longer(now)
            self.memory.go_on()
            self._free_memory(now)
            for client in tuple(self.connections):
                relay = client.relay
                if relay is None:
                    if client.connected_at < now - AUTHENTICATION_LIMIT:
                        client.close("it did not authenticate in time")
                    continue
                if now >= client.session_ends + SESSION_GRACE:
                    client.close("its session is over, and it did not authenticate again")
                relay.renew_upstream(now)
                if relay.waiting:
                    relay.refuse_overdue(now - HOLD_LIMIT)
                if relay.parked:
                    relay.answer_parked(now)

    def _free_memory(self, now: float) -> None:
        """Close the slowest client of an account, or of all, if others have waited too long."""
        used_up = self.memory.used_up_since(now - MEMORY_LIMIT)
        if used_up is None:
            return
        clients = {c.pool: c for c in self.connections if not c.transport.is_closing()}
        held = slowest(clients, used_up, now - MEMORY_LIMIT)
        if held is not None:
            self.counters.closed_for_memory += 1
            clients[held].abort(
                f"it held {held.used} bytes for more than {MEMORY_LIMIT:.0f} s, and others wait for"
                f" memory: {used_up.name} uses {used_up.used} of {used_up.size} bytes"
            )

    def _upstreams_closed(self, scope: str) -> None:
        self.tell(machine.UpstreamsClosed(scope))

    def _cut_off_impostors(self) -> None:
        """End the connections whose proof does not hold any more, or whose tenant is gone."""
        for client in tuple(self.connections):
            if client.relay is not None and (objection := self._objection(client.relay.tenant)):
                client.close(objection)

    def _objection(self, tenant: Tenant) -> str | None:
        proof = tenant.proof
        if not isinstance(self.control.get(f"vcluster/{proof.vcluster}"), VirtualCluster):
            return f"virtual cluster {proof.vcluster} was deleted"
        return proof.objection(self.logins.account_of(proof.vcluster, proof.user))


def _nobody_listens(event: machine.Event) -> None:
    """Before the follower is there, nothing can happen that it must know."""
