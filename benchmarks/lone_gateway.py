"""A gateway without a control plane, which serves one virtual cluster on one broker.

It stands on what has been there for long, so that it can be made of an older commit's code as well:
whoever compares two commits runs this file with the other tree before this one on `PYTHONPATH`.
"""

import base64
from datetime import UTC, datetime
from pathlib import Path

import jwt

from contract.clusters_file import ClusterProperties
from contract.fold import ControlState
from contract.records import Cluster, Face, Record, Routing, State, VirtualCluster, key_of
from dataplane.gateway import topology
from dataplane.gateway.gateway import Gateway
from dataplane.node.machine import Command, Order
from dataplane.settings import GatewaySettings

KEY = b"k" * 32
VCLUSTER = "bench"
USER = "sa"
UNLIMITED = 10**9
"""Elements that the one account may have looked at in a second."""


def gateway_on(port: int, broker: int, folder: Path) -> Gateway:
    """A gateway whose broker is at a port of this machine; it serves once it has a `lease`."""

    async def addresses(cluster: ClusterProperties) -> dict[int, tuple[str, int]]:  # noqa: ARG001
        return {1: ("127.0.0.1", broker)}

    topology.ask_brokers = addresses
    file = folder / "clusters.yaml"
    file.write_text(f"config:\n  main:\n    bootstrap.servers: 127.0.0.1:{broker}\n")
    control = ControlState()
    settings = GatewaySettings(
        GATEWAY_BACKEND_KAFKA_SELECTOR=f"file : {{ path: {file} }}",
        GATEWAY_USER_POOL_SECRET_KEY=base64.b64encode(KEY).decode(),
        INTERLOCK_NODE_TOKEN="bench",
        GATEWAY_ADVERTISED_HOST="localhost",
        GATEWAY_BIND_HOST="127.0.0.1",
        GATEWAY_PORT_START=port,
        INTERLOCK_ACCOUNT_ELEMENTS_PER_SECOND=UNLIMITED,
    )
    gateway = Gateway(settings, control)
    states: tuple[State, ...] = (
        Cluster(name="main", index=0, role="upstream", cluster_id="main", brokers=(1,)),
        Face(slots=1, api_versions=dict.fromkeys(range(100), (0, 30))),
        VirtualCluster(name=VCLUSTER, scope="main", cluster_id="bench"),
    )
    for seq, state in enumerate(states, start=1):
        record = Record(log="bench", seq=seq, key=key_of(state), state=state)
        control.apply(record)
        gateway.record_applied(record)
    return gateway


def open_door(gateway: Gateway) -> None:
    """Give it a lease for good, and have it serve."""
    gateway.set_lease(float("inf"))
    routing = Routing(scope="main", cluster="main", epoch=0, state="serving", term=0)
    gateway.carry_out(Command(Order.SERVE, routing))


def token() -> str:
    """What its one user shows at the log-in; good for ten minutes."""
    expiry = int(datetime.now(UTC).timestamp()) + 600
    return jwt.encode({"username": USER, "vcluster": VCLUSTER, "exp": expiry}, KEY, "HS256")
