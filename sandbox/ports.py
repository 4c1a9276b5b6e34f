"""Every port of the environment, shifted by one offset; and the check that they are free."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

PAIR = (0, 1)
"""Indexes of the two control planes and of the two gateways."""

SLOTS = 3
"""A gateway listens on one port per broker slot."""

_NAMED = 6
"""How many ports a complaint names."""

_EPHEMERAL = 32768
"""From here on Linux gives ports to outgoing connections: not safe for servers."""


@dataclass(frozen=True)
class Ports:
    """The scenario's host ports plus an offset; ports that the scenario does not name follow."""

    offset: int = 0

    def main_broker(self, index: int) -> int:
        """Port of the main cluster's broker 0, 1 or 2."""
        return 19092 + index + self.offset

    def failover_broker(self, index: int) -> int:
        """Port of the failover cluster's broker 0, 1 or 2."""
        return 29092 + index + self.offset

    @staticmethod
    def controller(broker: int) -> int:
        """Port of the KRaft controller in the same process as the broker on that port."""
        return broker + 5

    @property
    def registry(self) -> int:
        """Schema registry."""
        return 8081 + self.offset

    @property
    def postgres(self) -> int:
        """Postgres: ten thousand above its usual port, which may be taken."""
        return 15432 + self.offset

    def admin_api(self, index: int) -> int:
        """Admin API of control plane 0 or 1."""
        return 8888 + index + self.offset

    def gateway(self, index: int) -> int:
        """First Kafka port of gateway 0 or 1."""
        return 6969 + 1000 * index + self.offset

    def gateway_http(self, index: int, worker: int = 0) -> int:
        """Health and metrics of a worker, 0 or 1, of gateway 0 or 1."""
        return 9101 + index + len(PAIR) * worker + self.offset

    @property
    def mirror(self) -> int:
        """Where whoever runs MirrorMaker 2 takes orders."""
        return 9108 + self.offset

    def of_brokers(self, index: int) -> dict[str, int]:
        """Ports of broker 0, 1 or 2 of both clusters, by what they are for."""
        main, failover = self.main_broker(index), self.failover_broker(index)
        return {
            f"main broker {index + 1}": main,
            f"main controller {index + 1}": self.controller(main),
            f"failover broker {index + 1}": failover,
            f"failover controller {index + 1}": self.controller(failover),
        }

    def of_gateway(self, index: int, workers: int = 1) -> dict[str, int]:
        """Ports of gateway 0 or 1, by what they are for."""
        name = f"gateway {index + 1}"
        slots = {f"{name} slot {slot}": self.gateway(index) + slot for slot in range(SLOTS)}
        health = {
            f"{name} health and metrics" + (f" of worker {worker + 1}" if worker else ""): (
                self.gateway_http(index, worker)
            )
            for worker in range(workers)
        }
        return slots | health


def check_free(ports: dict[str, int]) -> None:
    """Make sure that nobody listens on these ports of the loopback address.

    Args:
        ports: what the port is for, and its number.

    Raises:
        SandboxError: names the ports that are in use, the first of them if there are many.
    """
    taken = [f"{port} ({what})" for what, port in ports.items() if not is_free(port)]
    if taken:
        verb, noun = ("is", "port") if len(taken) == 1 else ("are", "ports")
        named = ", ".join(taken[:_NAMED]) + (", ..." if len(taken) > _NAMED else "")
        raise SandboxError(
            f"{noun} {named} {verb} in use: stop what listens there"
            " (`ss -ltnp` shows it) or choose others with --port-offset"
        )


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return not is_listening(port)


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections on the port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


RESERVABLE = range(105, _EPHEMERAL - Ports.controller(Ports().failover_broker(SLOTS)), 21)
"""Offsets that environments on free ports choose from. 21 is the smallest step with which no two of
them have a port in common, which a test checks."""


@contextmanager
def reserved_ports() -> Iterator[Ports]:
    """Ports that are free, and kept from other environments of this user meanwhile.

    Raises:
        SandboxError: too many environments run.
    """
    folder = Path(tempfile.gettempdir()) / f"interlock-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for offset in random.sample(RESERVABLE, k=len(RESERVABLE)):
        ports = Ports(offset)
        with (folder / str(offset)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if all(map(is_free, all_ports(ports).values())):
                yield ports
                return
    raise SandboxError("no range of free ports found: stop some of the environments that run")


def all_ports(ports: Ports) -> dict[str, int]:
    """Every port that a full environment can take, by what it is for."""
    named = {"schema registry": ports.registry, "Postgres": ports.postgres, "mirror": ports.mirror}
    for index in range(SLOTS):
        named |= ports.of_brokers(index)
    for index in range(2):
        named |= ports.of_gateway(index)
        named[f"admin API {index + 1}"] = ports.admin_api(index)
    return named
