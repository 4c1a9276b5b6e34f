"""What the processes of an environment take: processor time, memory, and bytes that they read."""

import re
import subprocess
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import psutil

from sandbox.environment import Environment

_CONNECTION = re.compile(r":(?P<own>\d+) +\S+:(?P<peer>\d+) .*pid=(?P<pid>\d+),")
_RECEIVED = re.compile(r"bytes_received:(\d+)")


class Sample(NamedTuple):
    """What they took since they were started."""

    at: float
    cpu_s: Mapping[str, float]
    received: Mapping[tuple[int, int], int]
    """By a connection's own port and its peer's: bytes."""


class Taken(NamedTuple):
    """What they took in between."""

    cores: Mapping[str, float]
    """By process: 1.0 for all of a core."""
    received: Mapping[int, float]
    """By the port that it came from: bytes a second."""


def sample(environment: Environment, readers: Collection[str]) -> Sample:
    """Of all processes; bytes of the named ones."""
    cpu = {p.name: cpu_s(p.pid) for p in environment.processes if p.pid is not None}
    pids = {environment.process(name).pid for name in readers}
    return Sample(time.monotonic(), cpu, _received({pid for pid in pids if pid is not None}))


def between(before: Sample, after: Sample) -> Taken:
    """What was taken from the one to the other."""
    took_s = after.at - before.at
    received: dict[int, float] = {}
    for (own, peer), count in after.received.items():
        more = count - before.received.get((own, peer), 0)
        received[peer] = received.get(peer, 0.0) + max(0, more) / took_s
    cores = {
        name: (cpu - before.cpu_s[name]) / took_s
        for name, cpu in after.cpu_s.items()
        if name in before.cpu_s
    }
    return Taken(cores, received)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of those that it has started."""
    return sum(sum(one.cpu_times()[:2]) for one in _family(pid))


def resident_mib(pid: int) -> float:
    """Memory of the same."""
    return sum(one.memory_info().rss for one in _family(pid)) / 2**20


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _received(pids: Collection[int]) -> dict[tuple[int, int], int]:
    told = subprocess.run(["ss", "-tinpOH"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in told.splitlines():
        connection, received = _CONNECTION.search(line), _RECEIVED.search(line)
        if connection and received and int(connection["pid"]) in pids:
            found[int(connection["own"]), int(connection["peer"])] = int(received[1])
    return found
