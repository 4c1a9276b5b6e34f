"""A streaming standby of the sandbox's Postgres, that can fall behind and be promoted."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from sandbox.postgres import USER
from sandbox.probe import PostgresUp
from sandbox.process import Process
from sandbox.variables import inherited_without
from tests.environment.free_port import free_port

PATIENCE_S = 60.0


class Standby:
    """Follows the primary asynchronously, until it is cut off; then it can take its place."""

    def __init__(self, primary: Process, url: str) -> None:
        """Copy the primary, which runs, and follow it."""
        self._primary, self._url = primary, url
        self._data = _data(primary).parent / "standby"
        self._port = free_port()
        _as_postgres(
            primary,
            *("pg_basebackup", "-D", str(self._data), "-d", url),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )
        program = primary.program
        command = [
            str(self._data) if part == str(_data(primary)) else part for part in program.command
        ]
        self.process = Process(
            replace(
                program,
                name="standby",
                command=[*command, f"--port={self._port}"],
                log=program.log.with_name("standby.log"),
                ready=PostgresUp(self._port, USER),
            )
        )
        self.process.start()
        self.process.wait_ready()

    def cut_off(self) -> None:
        """Have it all that the primary has by now, and nothing more."""
        last = _ask(self._url, "SELECT pg_current_wal_lsn()::text")
        give_up_at = time.monotonic() + PATIENCE_S
        while not _ask(self._own, f"SELECT pg_last_wal_replay_lsn() >= '{last}'"):
            assert time.monotonic() < give_up_at, "the standby does not follow"
            time.sleep(0.1)
        _ask(self._own, "ALTER SYSTEM SET primary_conninfo = ''")
        _ask(self._own, "SELECT pg_reload_conf()")
        while _ask(self._own, "SELECT count(*) FROM pg_stat_wal_receiver"):
            assert time.monotonic() < give_up_at, "the standby goes on following"
            time.sleep(0.1)

    def promote(self) -> None:
        """The primary is lost; the standby takes its place, at its address."""
        self._primary.kill()
        assert _ask(self._own, "SELECT pg_promote()")
        self.process.stop()
        lost = _data(self._primary)
        lost.rename(lost.with_name("lost"))
        self._data.rename(lost)
        self._primary.start()
        self._primary.wait_ready()

    def remove(self) -> None:
        self.process.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    @property
    def _own(self) -> str:
        server, _, database = self._url.rpartition("/")
        return f"{server.rpartition(':')[0]}:{self._port}/{database}"


@contextmanager
def following(primary: Process, url: str) -> Iterator[Standby]:
    """A standby that follows from here on; nothing of it is left."""
    standby = Standby(primary, url)
    try:
        yield standby
    finally:
        standby.remove()


def _data(postgres: Process) -> Path:
    command = list(postgres.program.command)
    return Path(command[command.index("-D") + 1])


def _as_postgres(primary: Process, program: str, *options: str) -> None:
    """Run one of its programs as the user that it runs as."""
    binary, account = Path(primary.program.command[0]).with_name(program), primary.program.account
    subprocess.run(
        [str(binary), *options],
        check=True,
        capture_output=True,
        cwd=_data(primary).parent,
        env=inherited_without("PG"),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _ask(url: str, statement: str) -> Any:
    return asyncio.run(_answer(url, statement))


async def _answer(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
