"""MirrorMaker 2 as a child process: run one direction, keep it running, stop it in good order."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

import structlog

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction, MirrorReport
from mirrormaker.properties import format_properties, mirror_properties

_logger = structlog.get_logger()

_GRACE_S = 30.0
"""MirrorMaker 2 writes its positions when it is asked to stop; that takes some seconds."""
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class UnknownClusterError(LookupError):
    """An order names a cluster that is not described."""


class Child:
    """MirrorMaker 2, or nothing."""

    def __init__(
        self,
        command: tuple[str, ...],
        clusters: tuple[ClusterProperties, ...],
        given: dict[str, str],
        folder: Path,
    ) -> None:
        self._command = command
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._given = given
        self._file = folder / "mm2.properties"
        self._direction: Direction | None = None
        self._left_out: tuple[str, ...] = ()
        self._process: asyncio.subprocess.Process | None = None
        self._restarts = 0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def report(self) -> MirrorReport:
        """How it stands."""
        return MirrorReport(
            direction=self._direction,
            left_out=self._left_out,
            pid=self._process.pid if self._is_running() and self._process else None,
            restarts=self._restarts,
        )

    async def order(
        self, direction: Direction | None, left_out: tuple[str, ...] = ()
    ) -> MirrorReport:
        """Run this direction and no other; what ran before is gone when this returns.

        Args:
            direction: which way; None: copy nothing.
            left_out: virtual clusters whose topics and groups are not copied.

        Raises:
            UnknownClusterError: a cluster of the direction is not described.
        """
        for name in (direction.source, direction.target) if direction is not None else ():
            if name not in self._clusters:
                known = ", ".join(self._clusters)
                raise UnknownClusterError(f"there is no cluster {name}; there are {known}")
        async with self._turn:
            if (direction, left_out) != (self._direction, self._left_out):
                self._direction = None
                await self._stop()
                self._direction, self._left_out, self._restarts = direction, left_out, 0
                _logger.info("mirror.ordered", direction=str(direction), left_out=left_out)
                if direction is not None:
                    await self._start(direction)
                self._changed.set()
            return self.report()

    async def keep_running(self) -> None:
        """Start it again whenever it ends by itself, for ever."""
        pause_s = _FIRST_PAUSE_S
        while True:
            self._changed.clear()
            process = self._process
            if self._direction is None or process is None:
                await self._changed.wait()
                continue
            began = asyncio.get_running_loop().time()
            await process.wait()
            async with self._turn:
                if self._process is not process or self._direction is None:
                    continue
                _logger.warning("mirror.ended", code=process.returncode, again_in_s=pause_s)
            lasted_s = asyncio.get_running_loop().time() - began
            pause_s = _FIRST_PAUSE_S if lasted_s > _LONGEST_PAUSE_S else pause_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            async with self._turn:
                if self._process is process and self._direction is not None:
                    self._restarts += 1
                    await self._start(self._direction)

    async def close(self) -> None:
        """Stop it."""
        await self.order(None)

    def _is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _start(self, direction: Direction) -> None:
        properties = mirror_properties(self._clusters, direction, self._given, self._left_out)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text(format_properties(properties))
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            str(self._file),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        _signal(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            _signal(process.pid, signal.SIGKILL)
            await process.wait()


def _signal(pid: int, number: signal.Signals) -> None:
    # The child leads a session of its own, so its group is the child and what it started.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _die_with_parent() -> None:
    """A mirror without a supervisor could not be stopped by anybody."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
