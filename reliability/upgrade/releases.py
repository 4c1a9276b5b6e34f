"""Two releases, which of our processes run which, and one exchanged for the other."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from reliability.site import WORKERS
from sandbox.commits import run_from
from sandbox.planes import gateway_name
from sandbox.ports import PAIR
from sandbox.process import Process

_READY_WITHIN_S: Final = 60.0


class Release(NamedTuple):
    """Sources that processes are run from."""

    name: str
    tree: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process is told, so that it is of this release."""
        return run_from(self.tree)

    @property
    def schema(self) -> str:
        """The newest of the database that it knows."""
        return max(script.stem for script in (self.tree / "migrations/versions").glob("[0-9]*.py"))


class Stage(NamedTuple):
    """Processes that are exchanged one after the other, before those of the next stage."""

    name: str
    processes: tuple[str, ...]


CONTROL_PLANES: Final = Stage("control planes", tuple(f"controlplane{i + 1}" for i in PAIR))
GATEWAYS: Final = Stage(
    "gateways", tuple(gateway_name(i, worker) for worker in range(WORKERS) for i in PAIR)
)
MIRROR: Final = Stage("mirror", ("mirror-maker",))

ORDERS: Final = ((CONTROL_PLANES, GATEWAYS, MIRROR), (MIRROR, GATEWAYS, CONTROL_PLANES))
"""Each is gone there and, in the same order, back."""


def exchange(process: Process, release: Release) -> None:
    """Stop a process as its service manager would, and start the other release in its place.

    Raises:
        SandboxError: it does not come to serve.
    """
    process.stop()
    told = {**process.program.environment, **release.variables}
    process.program = replace(process.program, environment=told)
    process.start()
    process.wait_ready(_READY_WITHIN_S)
