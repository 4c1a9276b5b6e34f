"""Child processes: start, wait until ready, pause, kill, restart, and never leave one behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sandbox import leash
from sandbox.errors import SandboxError
from sandbox.progress import Progress, Report, silent

POLL_S = 0.05
"""How often a condition is looked at again."""

_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawn")
"""All children are started by one thread that lives as long as this process: Linux sends the
parent-death signal when the *thread* that forked ends."""


@dataclass(frozen=True)
class Account:
    """A user of the machine."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how to tell that it is ready."""

    name: str
    command: Sequence[str]
    log: Path
    """Receives standard output and standard error; each start appends."""
    ready: Callable[[], bool]
    """Whether it does its work now: returns within a second or two and raises nothing."""
    address: str = ""
    """Where its users find it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The whole environment of the process."""
    account: Account | None = None
    """Run as this user; only root can ask for that."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    """How long it may take to stop by itself, in seconds."""


class Process:
    """One supervised child, in a session of its own; it dies when this process dies."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child is not None and self.is_running() else None

    def is_running(self) -> bool:
        """Whether it was started and has not ended; a paused process runs."""
        return self._child is not None and self._child.poll() is None

    def exit_code(self) -> int | None:
        """How it ended: negative for a signal, None while it runs or before its start."""
        return None if self._child is None else self._child.poll()

    def start(self, extra_environment: Mapping[str, str] | None = None) -> None:
        """Start it without waiting.

        Args:
            extra_environment: variables for this one start, e.g. a crash point.
        """
        if self.is_running():
            raise SandboxError(f"{self.name} runs already")
        self._started = time.monotonic()
        self._child = _spawner.submit(_spawn, self.program, dict(extra_environment or {})).result()

    def seconds_running(self) -> float:
        """Time since the last start."""
        return time.monotonic() - self._started

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until it does its work.

        Raises:
            SandboxError: it ended, or was not ready in time.
        """
        wait_ready([self], timeout_s)

    def wait_exit(self, timeout_s: float = 30.0) -> int:
        """Wait until it ends by itself; its exit code.

        Raises:
            SandboxError: it still runs after that time.
        """
        if self._child is None:
            raise SandboxError(f"{self.name} was never started")
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise SandboxError(f"{self.name} did not end within {timeout_s:.0f} s") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children; nothing happens if it has ended."""
        if self._child is not None and self.is_running():
            os.killpg(self._child.pid, number)

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP), as a long garbage collection or a frozen host would.

        With all that it has started, in whatever session that is.
        """
        if (pid := self.pid) is not None:
            _signal_tree(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        if (pid := self.pid) is not None:
            _signal_tree(pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it without warning (SIGKILL), and wait until it is gone."""
        if self._child is not None:
            self.signal(signal.SIGKILL)
            self._child.wait()

    def stop(self) -> None:
        """Ask it to stop, and kill it if it does not within its grace period."""
        stop_all([self])

    def restart(
        self, extra_environment: Mapping[str, str] | None = None, timeout_s: float = 60.0
    ) -> None:
        """Stop it if it runs, start it again and wait until it is ready."""
        self.stop()
        self.start(extra_environment)
        self.wait_ready(timeout_s)

    def last_words(self, lines: int = 3) -> str:
        """The end of its log, on one line."""
        try:
            text = self.program.log.read_text(errors="replace")
        except OSError:
            return "it wrote no log"
        words = [line.strip() for line in text.splitlines() if line.strip()][-lines:]
        return " | ".join(words) or "it wrote nothing"


def wait_ready(
    processes: Iterable[Process], timeout_s: float = 60.0, report: Report = silent
) -> None:
    """Wait until all of the started processes do their work.

    Raises:
        SandboxError: one ended, or was not ready in time; the line names it and ends with its log.
    """
    deadline = time.monotonic() + timeout_s
    waiting = list(processes)
    while waiting:
        for process in list(waiting):
            step = f"start {process.name}"
            if process.is_running() and process.program.ready():
                report(Progress(step, "done", process.seconds_running()))
                waiting.remove(process)
            elif complaint := _complaint(process, timeout_s, deadline):
                report(Progress(step, "failed", process.seconds_running()))
                raise SandboxError(
                    f"{process.name} {complaint}: {process.last_words()}"
                    f" (all of it: {process.program.log})"
                )
        if waiting:
            time.sleep(POLL_S)


def _complaint(process: Process, timeout_s: float, deadline: float) -> str | None:
    if not process.is_running():
        return f"ended with code {process.exit_code()} before it was ready"
    if time.monotonic() > deadline:
        return f"was not ready after {timeout_s:.0f} s"
    return None


def stop_all(processes: Iterable[Process]) -> None:
    """Ask all to stop at once; kill those that take longer than their grace period."""
    began = time.monotonic()
    waiting = [process for process in processes if process.is_running()]
    for process in waiting:
        process.signal(process.program.stop_signal)
        process.resume()
    while waiting := [process for process in waiting if process.is_running()]:
        for process in waiting:
            if time.monotonic() - began > process.program.grace_s:
                process.kill()
        time.sleep(POLL_S / 5)


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Poll until a condition holds.

    Raises:
        SandboxError: it does not hold after that time; the message names `what`.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not so after {timeout_s:.0f} s")
        time.sleep(POLL_S)


def _signal_tree(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, its children, their children, and so on."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def _spawn(program: Program, extra_environment: dict[str, str]) -> subprocess.Popen[bytes]:
    account = program.account
    owner = f"{account.uid}:{account.gid}" if account is not None else "-"
    program.log.parent.mkdir(parents=True, exist_ok=True)
    leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), owner]
    with program.log.open("ab") as log:
        return subprocess.Popen(
            [*leashed, *program.command],
            env={**program.environment, **extra_environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
