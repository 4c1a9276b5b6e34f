"""The process in the background that owns a sandbox: everything dies with it.

    python -m sandbox.supervisor < ORDER

ORDER is an `Order` as JSON.
"""

import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Never

import msgspec

from sandbox.environment import Environment
from sandbox.errors import SandboxError
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import Ports
from sandbox.state import Failed, Started, StateFolder, services_of


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What `up` asks for."""

    folder: str
    profile: Profile
    port_offset: int
    components: frozenset[Component]
    database_url: str | None

    def plan(self) -> Plan:
        """The same, as the library wants it."""
        return Plan(
            folder=Path(self.folder),
            profile=self.profile,
            ports=Ports(self.port_offset),
            components=self.components,
            database_url=self.database_url,
        )


def start_in_background(order: Order) -> subprocess.Popen[bytes]:
    """Start a supervisor that outlives this process, and let the caller follow its progress."""
    state = StateFolder(Path(order.folder))
    state.forget()
    with state.supervisor_log.open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "sandbox.supervisor"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Not as an argument, which everybody can read: the database's URL may hold a password.
    assert supervisor.stdin is not None  # noqa: S101 - for the type checker
    with supervisor.stdin as pipe:
        pipe.write(msgspec.json.encode(order))
    return supervisor


def supervise(order: Order) -> None:
    """Start everything, say so, and wait for SIGTERM."""
    state = StateFolder(Path(order.folder))
    with state.take():
        try:
            with Environment(order.plan(), state.append) as environment:
                state.append(Started(services_of(environment.processes)))
                while True:
                    signal.pause()
        except SandboxError as error:
            state.append(Failed(str(error)))
        except Exception as error:
            state.append(Failed(f"unexpected: {error!r}; see {state.supervisor_log}"))
            raise


def _leave(_signal: int, _frame: FrameType | None) -> Never:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # cleaning up must not be interrupted
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    supervise(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))
