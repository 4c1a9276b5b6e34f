"""What a sandbox in the background writes down for other commands, in its folder."""

import fcntl
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal, TypeAlias

import msgspec
import psutil

from sandbox.errors import SandboxError
from sandbox.postgres import remove_data
from sandbox.probe import Check
from sandbox.process import Process, wait_until
from sandbox.progress import Progress

Health: TypeAlias = Literal["ready", "not answering", "paused", "dead"]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the sandbox."""

    name: str
    address: str
    pid: int
    log: str
    check: Check

    def health(self) -> Health:
        """How it does right now."""
        try:
            status = psutil.Process(self.pid).status()
        except psutil.NoSuchProcess:
            return "dead"
        if status == psutil.STATUS_ZOMBIE:
            return "dead"
        if status == psutil.STATUS_STOPPED:
            return "paused"
        return "ready" if self.check() else "not answering"

    def memory_mb(self) -> int:
        """Resident memory of it and its children, in MiB; what they share counts for each."""
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
            return sum(member.memory_info().rss for member in family) // 2**20
        except psutil.NoSuchProcess:
            return 0


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The last line of the progress file, if all went well."""

    services: tuple[Service, ...]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The last line of the progress file, if not."""

    message: str


Line: TypeAlias = Progress | Started | Failed


class StateFolder:
    """The folder of one sandbox: who runs it, and how far it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._lock_file = self.folder / "supervisor.pid"
        self._progress_file = self.folder / "progress.jsonl"
        self.supervisor_log = self.folder / "supervisor.log"

    def take(self) -> IO[str]:
        """Make this process the sandbox's supervisor, for as long as the file stays open.

        Raises:
            SandboxError: there is one already.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._lock_file.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise SandboxError(f"a sandbox runs in {self.folder} already") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def supervisor(self) -> int | None:
        """Process id of the supervisor; None if the sandbox is down."""
        try:
            with self._lock_file.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(lock.read() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def forget(self) -> None:
        """Remove what an earlier sandbox told."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._progress_file.unlink(missing_ok=True)

    def append(self, line: Line) -> None:
        """Tell whoever follows the start."""
        with self._progress_file.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")

    def lines(self) -> list[Line]:
        """All that was told so far."""
        try:
            written = self._progress_file.read_bytes()
        except FileNotFoundError:
            return []
        complete = written[: written.rfind(b"\n") + 1]
        return msgspec.json.Decoder(Line).decode_lines(complete)

    def services(self) -> tuple[Service, ...]:
        """The processes of a sandbox that is up; empty while it starts."""
        last = self.lines()[-1:]
        return last[0].services if last and isinstance(last[0], Started) else ()

    def stop(self) -> bool:
        """Stop the sandbox and wait until it is gone; False if it was down.

        Raises:
            SandboxError: it is still there after a minute.
        """
        pid = self.supervisor()
        if pid is None:
            remove_data(self.folder)  # a supervisor that was killed could not
            return False
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: self.supervisor() is None, f"supervisor {pid} is gone", timeout_s=60)
        return True


def services_of(processes: Iterable[Process]) -> tuple[Service, ...]:
    """What other commands need to know about running processes."""
    return tuple(
        Service(
            name=process.name,
            address=process.program.address,
            pid=process.pid or 0,
            log=str(process.program.log),
            check=process.program.ready,
        )
        for process in processes
        if isinstance(process.program.ready, Check)
    )
