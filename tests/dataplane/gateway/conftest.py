"""A gateway in the test's own process, on real clusters, told what to do by the test itself."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from contract.clusters_file import ClusterProperties
from contract.fold import ControlState
from contract.records import Cluster, Face, Record, Routing, State, VirtualCluster, key_of
from dataplane import FORM
from dataplane.compiled.loading import Form
from dataplane.gateway import topology
from dataplane.gateway.gateway import Gateway
from dataplane.gateway.topology import ask_brokers
from dataplane.node.machine import Command, Event, Order, UpstreamsClosed
from dataplane.settings import GatewaySettings
from sandbox.certificates import CertificateAuthority
from sandbox.ports import Ports, reserved_ports
from tests.dataplane.gateway.scripted import RawClient, ScriptedBroker
from tests.environment.backends import Clusters

KEY = b"k" * 32
FOREVER = float("inf")

ONLY_INTERPRETED = pytest.mark.skipif(
    FORM is Form.COMPILED, reason="no method of a compiled class can be exchanged"
)
"""For tests that reach inside; `make interpreted` runs them."""


@dataclass
class Stage:
    """The gateway, and the hand of the test on it."""

    gateway: Gateway
    control: ControlState
    bootstrap: str
    vcluster: str
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    seq: int = 0
    epoch: int = 0
    cluster: str = "main"

    def record(self, state: State) -> None:
        self.seq += 1
        record = Record(log="test", seq=self.seq, key=key_of(state), state=state)
        self.control.apply(record)
        self.gateway.record_applied(record)

    def order(self, order: Order, cluster: str, *, withholds_records: bool = False) -> None:
        fenced = order is Order.FENCE
        routing = Routing(
            scope="main",
            cluster=cluster,
            epoch=self.epoch,
            state="fenced" if fenced else "serving",
            withholds_records=withholds_records,
            term=0,
        )
        self.gateway.carry_out(Command(order, routing))

    def quiesce(self) -> None:
        """Have groups come to rest, on the cluster that serves."""
        routing = Routing(
            scope="main", cluster=self.cluster, epoch=self.epoch, state="quiescing", term=0
        )
        self.gateway.carry_out(Command(Order.SERVE, routing))

    async def switch(self, to: str, *, withholds_records: bool = False) -> None:
        """Fence, wait until drained, serve the other cluster."""
        self.closed.clear()
        self.order(Order.FENCE, self.cluster)
        await asyncio.wait_for(self.closed.wait(), 10)
        self.epoch += 1
        self.cluster = to
        self.order(Order.SERVE, to, withholds_records=withholds_records)

    def hear(self, event: Event) -> None:
        if isinstance(event, UpstreamsClosed):
            self.closed.set()

    def token(self, **claims: Any) -> str:
        expiry = int(datetime.now(UTC).timestamp()) + 600
        body = {"username": "sa", "vcluster": self.vcluster, "exp": expiry} | claims
        return jwt.encode(body, KEY, "HS256")

    def credentials(self, **claims: Any) -> dict[str, Any]:
        """Arguments of an aiokafka client."""
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "sa",
            "sasl_plain_password": self.token(**claims),
        }


def cluster_at(name: str, servers: str) -> ClusterProperties:
    """A cluster that asks for no security."""
    return ClusterProperties(name=name, role="upstream", properties={"bootstrap.servers": servers})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def gateway_ports() -> Any:
    with reserved_ports() as ports:
        yield ports


@asynccontextmanager
async def running_stage(
    vcluster: str,
    port: int,
    folder: Path,
    bootstraps: dict[str, str],
    brokers: dict[str, tuple[int, ...]],
    properties: Mapping[str, str] | None = None,
    **variables: Any,
) -> AsyncIterator[Stage]:
    """A gateway that serves the first of the clusters, with further properties of theirs."""
    security = "".join(f"    {key}: {value!r}\n" for key, value in (properties or {}).items())
    clusters_file = folder / "clusters.yaml"
    clusters_file.write_text(
        "config:\n"
        f"  main:\n    bootstrap.servers: {bootstraps['main']}\n{security}"
        f"  failover:\n    bootstrap.servers: {bootstraps['failover']}\n"
        f"    gateway.roles: failover\n{security}"
    )
    settings = GatewaySettings(
        GATEWAY_BACKEND_KAFKA_SELECTOR=f"file : {{ path: {clusters_file} }}",
        GATEWAY_USER_POOL_SECRET_KEY=base64.b64encode(KEY).decode(),
        INTERLOCK_NODE_TOKEN="secret",
        GATEWAY_ADVERTISED_HOST="localhost",
        GATEWAY_BIND_HOST="127.0.0.1",
        GATEWAY_PORT_START=port,
        **variables,
    )
    control = ControlState()
    gateway = Gateway(settings, control)
    stage = Stage(gateway, control, f"localhost:{port}", vcluster)
    gateway.tell = stage.hear
    ranges = dict.fromkeys(range(100), (0, 30))
    for index, (name, ids) in enumerate(brokers.items()):
        role = "upstream" if name == "main" else "failover"
        stage.record(Cluster(name=name, index=index, role=role, cluster_id=name, brokers=ids))
    stage.record(Face(slots=1, api_versions=ranges))
    stage.record(VirtualCluster(name=vcluster, scope="main", cluster_id=f"id-{vcluster}"))
    task = asyncio.ensure_future(gateway.run())
    gateway.set_lease(FOREVER)
    stage.order(Order.SERVE, "main")
    await gateway.accepting.wait()
    yield stage
    await gateway.drain(1)
    await gateway.close()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
async def stage(
    clusters: Clusters, gateway_ports: Ports, unique_name: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    """On two real clusters."""
    bootstraps = {"main": clusters.main, "failover": clusters.failover}
    brokers = {
        name: tuple(await ask_brokers(cluster_at(name, servers)))
        for name, servers in bootstraps.items()
    }
    port = gateway_ports.gateway(0)
    async with running_stage(unique_name, port, tmp_path, bootstraps, brokers) as running:
        yield running


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    """A broker that answers what the test says, if at all."""
    async with ScriptedBroker() as listening:
        yield listening


@asynccontextmanager
async def scripted_stage(
    broker: ScriptedBroker,
    port: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    **variables: Any,
) -> AsyncIterator[Stage]:
    """On one scripted broker, which is both clusters."""

    async def addresses(cluster: ClusterProperties) -> dict[int, tuple[str, int]]:
        return {1: ("127.0.0.1", broker.port)}

    monkeypatch.setattr(topology, "ask_brokers", addresses)
    bootstraps = dict.fromkeys(("main", "failover"), f"127.0.0.1:{broker.port}")
    brokers = dict.fromkeys(bootstraps, (1,))
    async with running_stage("tenant", port, folder, bootstraps, brokers, **variables) as running:
        yield running


@pytest.fixture
async def scripted(
    broker: ScriptedBroker, gateway_ports: Ports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """On one scripted broker."""
    port = gateway_ports.gateway(0)
    async with scripted_stage(broker, port, tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
async def client(scripted: Stage) -> AsyncIterator[RawClient]:
    """An authenticated client of the scripted stage."""
    async with await RawClient.connect(scripted.bootstrap) as connected:
        await connected.authenticate(scripted.token())
        yield connected
