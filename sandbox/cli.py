"""`interlock sandbox`: the whole environment on this machine, in the background."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Never

from cyclopts import App, Parameter
from rich.console import Console

from sandbox.configuration import ADMIN_PASSWORD
from sandbox.display import StartDisplay, status_table
from sandbox.errors import SandboxError
from sandbox.plan import Component, Profile
from sandbox.ports import Ports
from sandbox.process import POLL_S
from sandbox.progress import Progress
from sandbox.state import Failed, Started, StateFolder
from sandbox.supervisor import Order, start_in_background

app = App(
    name="sandbox",
    help="Run the whole environment on this machine: two Kafka clusters, mirror, registry, planes.",
)

app.command("sandbox.demo.main:run_demo", name="demo", help="Run the scenario, step by step.")

Folder = Annotated[Path, Parameter(name="--dir", help="Where data, logs and tools are kept.")]
_DEFAULT_FOLDER = Path(".sandbox")
_OUT = Console(highlight=False)
_ERR = Console(stderr=True, highlight=False)


@app.command
def up(
    *,
    profile: Profile = Profile.FULL,
    port_offset: int = 0,
    without: tuple[Component, ...] = (),
    folder: Folder = _DEFAULT_FOLDER,
) -> None:
    """Start the environment and return when everything is ready.

    Set DATABASE_URL to use a Postgres server of yours instead of an own one.

    Parameters
    ----------
    profile
        full: three brokers for each cluster; small: one.
    port_offset
        Added to every port, so that several environments can run at once.
    without
        A part to leave out; can be given several times.
    """
    state = StateFolder(folder)
    if state.supervisor() is not None:
        _fail(f"a sandbox runs in {folder} already: `interlock sandbox down` stops it")
    order = Order(
        folder=str(state.folder),
        profile=profile,
        port_offset=port_offset,
        components=frozenset(Component).difference(without),
        database_url=os.environ.get("DATABASE_URL"),
    )
    began = time.monotonic()
    supervisor = start_in_background(order)
    try:
        started = _follow(state, supervisor)
    except SandboxError as error:
        supervisor.wait()
        _fail(str(error))
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        _fail("interrupted: everything that had started is stopped")
    _OUT.print(status_table(started.services))
    _OUT.print(f"ready after {time.monotonic() - began:.0f} s; Kafka's tools: {folder / 'bin'}")
    if order.components.intersection({Component.CONTROL_PLANES, Component.GATEWAYS}):
        console = f"http://localhost:{Ports(port_offset).admin_api(0)}/"
        _OUT.print(f"the console: {console} (user admin, password {ADMIN_PASSWORD})")


@app.command
def down(*, folder: Folder = _DEFAULT_FOLDER) -> None:
    """Stop the environment; its logs stay until the next start."""
    try:
        stopped = StateFolder(folder).stop()
    except SandboxError as error:
        _fail(str(error))
    _OUT.print("stopped" if stopped else f"no sandbox runs in {folder}")


@app.command
def status(*, folder: Folder = _DEFAULT_FOLDER) -> None:
    """Show what runs, where, and how it does; exit code 1 if something is not ready."""
    state = StateFolder(folder)
    if state.supervisor() is None:
        _fail(f"no sandbox runs in {folder}: `interlock sandbox up` starts one")
    services = state.services()
    if not services:
        _fail("it is still starting: ask again in a moment")
    _OUT.print(status_table(services))
    if any(service.health() != "ready" for service in services):
        sys.exit(1)


@app.command
def logs(name: str, *, lines: int = 100, folder: Folder = _DEFAULT_FOLDER) -> None:
    """Print the end of one service's log.

    Parameters
    ----------
    name
        A service as `status` shows it, e.g. kafka1 or gateway2.
    lines
        How many lines.
    """
    log_folder = folder / "logs"
    log = log_folder / f"{name}.log"
    if not log.is_file():
        known = ", ".join(sorted(path.stem for path in log_folder.glob("*.log"))) or "none"
        _fail(f"no log of {name!r} in {log_folder}; there are: {known}")
    text = log.read_text(errors="replace").splitlines()
    print("\n".join(text[-lines:]))


def _follow(state: StateFolder, supervisor: subprocess.Popen[bytes]) -> Started:
    """Show the progress of a start until it ends.

    Raises:
        SandboxError: it failed; everything that had started is stopped.
    """
    shown = 0
    with StartDisplay(_OUT) as display:
        while True:
            ended = supervisor.poll() is not None
            for line in state.lines()[shown:]:
                shown += 1
                match line:
                    case Progress():
                        display.show(line)
                    case Started():
                        return line
                    case Failed(message):
                        raise SandboxError(message)
            if ended:
                raise SandboxError(f"the supervisor ended early: see {state.supervisor_log}")
            time.sleep(POLL_S)


def _fail(message: str) -> Never:
    _ERR.print(f"interlock sandbox: {message}", style="red", soft_wrap=True, markup=False)
    sys.exit(1)
