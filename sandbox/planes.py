"""Control planes and gateway nodes, as processes that are told everything by their environment."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.configuration import ADMIN_API_USERS, Secrets
from sandbox.ports import SLOTS, Ports
from sandbox.probe import HttpUp
from sandbox.process import Process, Program
from sandbox.security import Security
from sandbox.variables import inherited_without

READY_PATH = "/health/ready"


@dataclass(frozen=True)
class PlaneSettings:
    """What both planes are started with."""

    ports: Ports
    clusters_file: Path
    secrets: Secrets
    folder: Path
    """Receives the logs."""
    security: Security | None = None
    """What clients of the gateways are met with; None: plain text."""

    def shared_variables(self) -> dict[str, str]:
        """What control planes and gateways have in common, on top of what this process has."""
        return {
            **inherited_without("GATEWAY_", "INTERLOCK_", "DATABASE_URL"),
            "GATEWAY_BACKEND_KAFKA_SELECTOR": f"file : {{ path: {self.clusters_file} }}",
            "GATEWAY_USER_POOL_SECRET_KEY": self.secrets.signing_key,
            "GATEWAY_BIND_HOST": "127.0.0.1",
            "INTERLOCK_NODE_TOKEN": self.secrets.node_token,
            "INTERLOCK_LOG_FORMAT": "json",
        }


def control_plane(
    settings: PlaneSettings, index: int, database_url: str, variables: Mapping[str, str]
) -> Process:
    """Control plane number `index` (0 or 1); `variables` go on top of its own."""
    port = settings.ports.admin_api(index)
    own = {
        "DATABASE_URL": database_url,
        "GATEWAY_HTTP_PORT": str(port),
        "GATEWAY_ADMIN_API_USERS": ADMIN_API_USERS,
    }
    return Process(
        Program(
            name=f"controlplane{index + 1}",
            command=[sys.executable, "-m", "interlock", "controlplane"],
            log=settings.folder / "logs" / f"controlplane{index + 1}.log",
            ready=HttpUp(port, READY_PATH),
            address=f"http://localhost:{port}",
            environment={**settings.shared_variables(), **own, **variables},
        )
    )


def gateway_name(index: int, worker: int = 0) -> str:
    """What a node of gateway `index` (0 or 1) is called, as a process and as a node."""
    return f"gateway{index + 1}" + (f"-{worker + 1}" if worker else "")


def gateway(
    settings: PlaneSettings,
    index: int,
    control_planes: Sequence[str],
    variables: Mapping[str, str],
    worker: int = 0,
) -> Process:
    """A node of gateway `index` (0 or 1); `variables` go on top of its own.

    Workers of one gateway listen on the same ports; each is a node of its own.
    """
    name = gateway_name(index, worker)
    port, http_port = settings.ports.gateway(index), settings.ports.gateway_http(index, worker)
    own = {
        "GATEWAY_PORT_START": str(port),
        "GATEWAY_ADVERTISED_HOST": "localhost",
        "GATEWAY_MODE": "VCLUSTER",
        "GATEWAY_CLUSTER_ID": "private",
        "INTERLOCK_CONTROL_PLANES": ",".join(control_planes),
        "INTERLOCK_NODE_ID": name,
        "INTERLOCK_HTTP_PORT": str(http_port),
        **_listening(settings.security),
    }
    return Process(
        Program(
            name=name,
            command=[sys.executable, "-m", "interlock", "gateway"],
            log=settings.folder / "logs" / f"{name}.log",
            ready=HttpUp(http_port, READY_PATH),
            address=f"localhost:{port}-{port + SLOTS - 1}",
            environment={**settings.shared_variables(), **own, **variables},
        )
    )


def _listening(security: Security | None) -> dict[str, str]:
    """How clients are met."""
    if security is None:
        return {"GATEWAY_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    return {
        "GATEWAY_SECURITY_PROTOCOL": "SASL_SSL",
        "GATEWAY_SSL_KEY_STORE_PATH": str(security.gateway_store),
    }
