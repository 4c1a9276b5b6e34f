"""The ways from client to broker that are compared: direct, through Interlock, through a peer."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from sandbox.environment import Environment
from sandbox.ports import is_listening
from sandbox.process import wait_until

PEER_VARIABLE = "KAFKA_PROXY"
"""Names the binary of grepplabs/kafka-proxy; without it that peer is left out."""


@dataclass(frozen=True)
class Cpu:
    """Processor seconds of a process."""

    user: float = 0.0
    system: float = 0.0

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user - other.user, self.system - other.system)

    @property
    def total(self) -> float:
        return self.user + self.system


@dataclass(frozen=True)
class Way:
    """One way."""

    name: str
    bootstrap: str
    topic_prefix: str = ""
    """What the topic's name is on the physical cluster, before its own name."""
    properties: dict[str, str] = field(default_factory=dict)
    pid: int | None = None
    """The process between client and broker."""

    def cpu(self) -> Cpu:
        if self.pid is None:
            return Cpu()
        times = psutil.Process(self.pid).cpu_times()
        return Cpu(times.user, times.system)

    def resident_mib(self) -> float:
        return psutil.Process(self.pid).memory_info().rss / 2**20 if self.pid else 0.0

    def write_properties(self, folder: Path) -> Path:
        """A properties file for Kafka's tools."""
        file = folder / f"{self.name}.properties"
        file.write_text("".join(f"{k}={v}\n" for k, v in self.properties.items()))
        return file


def direct(environment: Environment) -> Way:
    """Straight to the main cluster."""
    return Way("direct", environment.main.bootstrap_servers, topic_prefix="bench-")


def interlock(environment: Environment) -> Way:
    """Through the first gateway, as virtual cluster `bench-`."""
    ports = environment.plan.ports
    answer = httpx.post(
        f"http://localhost:{ports.admin_api(0)}/admin/vclusters/v1/vcluster/bench-/username/sa",
        json={"lifeTimeSeconds": 36000},
        auth=("admin", "conduktor"),
    )
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    properties = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f"{login} username='sa' password='{answer.json()['token']}';",
    }
    return Way(
        "interlock",
        f"localhost:{ports.gateway(0)}",
        properties=properties,
        pid=environment.process("gateway1").pid,
    )


@contextlib.contextmanager
def kafka_proxy(environment: Environment) -> Iterator[Way | None]:
    """Through kafka-proxy, which rewrites nothing; None where it is not to be had."""
    binary = os.environ.get(PEER_VARIABLE)
    if binary is None or shutil.which(binary) is None:
        yield None
        return
    port = environment.plan.ports.gateway(1) + 500
    server = environment.main.bootstrap_servers
    command = [
        *(binary, "server", "--dynamic-listeners-disable", "--log-level", "warning"),
        *("--bootstrap-server-mapping", f"{server},127.0.0.1:{port}", "--http-disable"),
    ]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: is_listening(port), "kafka-proxy listens")
            yield Way("kafka-proxy", f"127.0.0.1:{port}", "bench-", pid=process.pid)
        finally:
            process.terminate()
