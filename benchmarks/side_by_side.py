"""Processor time of a request beside another commit's: `make cost BEFORE=COMMIT`.

A gateway of each commit serves clients of its own, in turns; the broker and the clients are one
process (`load`). Microseconds are those of the gateway's process, as the kernel counts them. The
other commit runs with the packages that are installed here, and interpreted if it was never
compiled.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import uvloop
from load import Load
from lone_gateway import gateway_on, open_door
from paths import Cpu, Way

from sandbox.ports import reserved_ports

ROUNDS = 7
SECONDS = 1.0


class Shape(NamedTuple):
    """What clients do."""

    name: str
    size: int
    clients: int
    in_flight: int


SHAPES = (
    Shape("200-byte records, 20 clients of five", 200, 20, 5),
    Shape("200-byte records, one client of five", 200, 1, 5),
    Shape("200-byte records, one after the other", 200, 1, 1),
    Shape("16 KiB batches, one client of five", 16_300, 1, 5),
)


class Spent(NamedTuple):
    """Microseconds of a request."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system


@dataclass
class Side:
    """A tree, and what was measured of it."""

    tree: Path
    rounds: list[Spent] = field(default_factory=list)

    def median(self) -> Spent:
        return Spent(*(statistics.median(column) for column in zip(*self.rounds, strict=True)))


@contextlib.contextmanager
def gateway_of(tree: Path, broker: int) -> Iterator[tuple[int, Way]]:
    """A gateway of a tree as a process, and the port it serves."""
    from sandbox.commits import compiled_apart  # noqa: PLC0415 - older trees have no such module

    environment = os.environ | {"PYTHONPATH": str(tree)} | compiled_apart(tree)
    command = [sys.executable, __file__, "--serve", str(broker)]
    with subprocess.Popen(
        command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = next(int(line) for line in process.stdout if line.strip().isdigit())
        try:
            yield port, Way(tree.name, f"127.0.0.1:{port}", pid=process.pid)
        finally:
            process.terminate()


def measure(shape: Shape, sides: list[Side], rounds: int, seconds: float) -> None:
    with contextlib.ExitStack() as stack:
        loads = []
        for side in sides:
            load = Load(shape.size)
            port, way = stack.enter_context(gateway_of(side.tree, load.port))
            stack.callback(load.close)
            load.connect(port, shape.clients, shape.in_flight)
            loads.append((side, load, way))
        for number in range(rounds + 1):
            for side, load, way in loads:
                load.resume()
                before = way.cpu()
                done = load.run(seconds)
                load.pause()
                cpu: Cpu = way.cpu() - before
                if number:
                    side.rounds.append(Spent(cpu.user / done * 1e6, cpu.system / done * 1e6))


async def serve(broker: int) -> None:
    """The gateway's process."""
    with reserved_ports() as ports, tempfile.TemporaryDirectory() as folder:
        port = ports.gateway(0)
        gateway = gateway_on(port, broker, Path(folder))
        running = asyncio.ensure_future(gateway.run())
        open_door(gateway)
        await gateway.accepting.wait()
        print(port, flush=True)
        await running


def rows(commit: str, rounds: int = ROUNDS, seconds: float = SECONDS) -> Iterator[str]:
    """A table of what a request costs before, at a commit, and now."""
    from sandbox.commits import HERE, tree_of  # noqa: PLC0415 - older trees have no such module

    yield "| us of processor time a request (user + system) | before | now | ratio of the medians |"
    yield "|---|---|---|---|"
    with tree_of(commit) as tree:
        for shape in SHAPES:
            before, now = Side(tree), Side(HERE)
            measure(shape, [before, now], rounds, seconds)
            spent = [side.median() for side in (before, now)]
            cells = " | ".join(f"{s.total:.1f} ({s.user:.1f} + {s.system:.1f})" for s in spent)
            yield f"| {shape.name} | {cells} | {spent[1].total / spent[0].total:.2f} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", nargs="?", default="main")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        uvloop.run(serve(chosen.serve))
        return
    for row in rows(chosen.commit, chosen.rounds, chosen.seconds):
        print(row, flush=True)


if __name__ == "__main__":
    main()
