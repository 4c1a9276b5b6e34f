"""A gateway in the test's own process, on real clusters, told what to do by the test itself."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import uvloop

from contract.fold import ControlState
from contract.records import Cluster, Face, Record, Routing, State, VirtualCluster, key_of
from dataplane.gateway.gateway import Gateway
from dataplane.gateway.topology import ask_brokers
from dataplane.node.machine import Command, Event, Order, UpstreamsClosed
from dataplane.settings import GatewaySettings
from sandbox.ports import Ports, reserved_ports
from tests.environment.backends import Clusters

KEY = b"k" * 32
FOREVER = float("inf")


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

    def order(self, order: Order, cluster: str) -> None:
        fenced = order is Order.FENCE
        routing = Routing(
            scope="main",
            cluster=cluster,
            epoch=self.epoch,
            state="fenced" if fenced else "serving",
            term=0,
        )
        self.gateway.carry_out(Command(order, routing))

    async def switch(self, to: str) -> None:
        """Fence, wait until drained, serve the other cluster."""
        self.closed.clear()
        self.order(Order.FENCE, self.cluster)
        await asyncio.wait_for(self.closed.wait(), 10)
        self.epoch += 1
        self.cluster = to
        self.order(Order.SERVE, to)

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


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Any:
    """The loop that nodes run on: its transports differ from those of asyncio."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def gateway_ports() -> Any:
    with reserved_ports() as ports:
        yield ports


@pytest.fixture
async def stage(
    clusters: Clusters,
    gateway_ports: Ports,
    unique_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    clusters_file = tmp_path / "clusters.yaml"
    clusters_file.write_text(
        f"config:\n  main:\n    bootstrap.servers: {clusters.main}\n"
        f"  failover:\n    bootstrap.servers: {clusters.failover}\n    gateway.roles: failover\n"
    )
    environment = {
        "GATEWAY_BACKEND_KAFKA_SELECTOR": f"file : {{ path: {clusters_file} }}",
        "GATEWAY_USER_POOL_SECRET_KEY": base64.b64encode(KEY).decode(),
        "INTERLOCK_NODE_TOKEN": "secret",
        "GATEWAY_ADVERTISED_HOST": "localhost",
        "GATEWAY_BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT_START": str(gateway_ports.gateway(0)),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    control = ControlState()
    gateway = Gateway(GatewaySettings(), control)
    bootstrap = f"localhost:{gateway_ports.gateway(0)}"
    stage = Stage(gateway, control, bootstrap, unique_name)
    gateway.tell = stage.hear
    ranges = dict.fromkeys(range(100), (0, 30))
    for index, name in enumerate(("main", "failover")):
        brokers = tuple(await ask_brokers(getattr(clusters, name)))
        role = "upstream" if name == "main" else "failover"
        stage.record(Cluster(name=name, index=index, role=role, cluster_id=name, brokers=brokers))
    stage.record(Face(slots=1, api_versions=ranges))
    stage.record(VirtualCluster(name=unique_name, scope="main", cluster_id=f"id-{unique_name}"))
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
