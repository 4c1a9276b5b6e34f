"""The three clients that stay connected while the cluster behind them is exchanged."""

import re
import ssl
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.demo.account import Cost, cost_of
from sandbox.demo.clients import ConsoleProducer, GroupConsumer, IdempotentProducer
from sandbox.demo.mirrored import read_all
from sandbox.ports import Ports
from sandbox.security import Security

TOPIC = "orders"
PHYSICAL_TOPIC = "teamAorders"
READ_LIMIT = 20
"""Seconds that the consumer gets for what the producers wrote last."""

_PASSWORD = re.compile(r"password='([^']*)'")
_METRIC = re.compile(r"^interlock_node_(\w+?)_total ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """The running clients."""

    console: ConsoleProducer
    idempotent: IdempotentProducer
    group: GroupConsumer

    @property
    def acknowledged(self) -> list[bytes]:
        """Values that were acknowledged; complete once the producers have stopped."""
        return self.console.acknowledged + self.idempotent.acknowledged

    @property
    def errors(self) -> list[str]:
        """What reached an application."""
        return [*self.console.errors, *self.idempotent.errors, *self.group.errors]

    def cost(self, cluster: Mapping[str, str]) -> Cost:
        """Count against the cluster that serves now."""
        return cost_of(self.acknowledged, read_all(cluster, PHYSICAL_TOPIC), self.group.consumed)


@contextmanager
def running(
    tools: Path, properties: Path, ports: Ports, security: Security | None
) -> Iterator[Load]:
    """Run the clients; on leaving, producers stop first and the consumer reads what is left."""
    bootstrap = f"localhost:{ports.gateway(0)}"
    match = _PASSWORD.search(properties.read_text())
    token = match[1] if match else ""
    librdkafka = {
        "bootstrap.servers": bootstrap,
        **_protocol_of_librdkafka(security),
        "sasl.mechanism": "PLAIN",
        "sasl.username": "sa",
        "sasl.password": token,
    }
    aiokafka = {
        "bootstrap_servers": f"localhost:{ports.gateway(1)}",
        **_protocol_of_aiokafka(security),
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "sa",
        "sasl_plain_password": token,
    }
    load = Load(
        ConsoleProducer(tools, bootstrap, properties, TOPIC),
        IdempotentProducer(librdkafka, TOPIC),
        GroupConsumer(aiokafka, TOPIC, "billing"),
    )
    with load.group:
        with load.console, load.idempotent:
            yield load
        _let_read(load)


def _protocol_of_librdkafka(security: Security | None) -> dict[str, str]:
    if security is None:
        return {"security.protocol": "SASL_PLAINTEXT"}
    return {"security.protocol": "SASL_SSL", "ssl.ca.location": str(security.authority)}


def _protocol_of_aiokafka(security: Security | None) -> dict[str, Any]:
    if security is None:
        return {"security_protocol": "SASL_PLAINTEXT"}
    context = ssl.create_default_context(cafile=str(security.authority))
    return {"security_protocol": "SASL_SSL", "ssl_context": context}


def _let_read(load: Load) -> None:
    give_up_at = time.monotonic() + READ_LIMIT
    while time.monotonic() < give_up_at:
        if set(load.acknowledged) <= set(load.group.consumed):
            return
        time.sleep(0.2)


def node_counters(ports: Ports) -> dict[str, int]:
    """The counters of both gateways, added up: what they say themselves of their clients."""
    total: dict[str, int] = {}
    for index in (0, 1):
        url = f"http://localhost:{ports.gateway_http(index)}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            for name, value in _METRIC.findall(answer.read().decode()):
                total[name] = total.get(name, 0) + int(float(value))
    return total
