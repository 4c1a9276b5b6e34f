"""Looks after the mirror that Interlock manages: notices what has failed, and starts it again."""

import time

import structlog

from contract.mirror import Direction
from controlplane.domain.mirror.tending import Tended, looked_at, restart_is_due, restarted
from controlplane.mirrors.runner import Runner
from controlplane.plane import ControlPlane

_logger = structlog.get_logger()

_EVERY_S = 10.0


class Tender:
    """Of one direction after the other."""

    def __init__(self, plane: ControlPlane, runner: Runner) -> None:
        self._plane = plane
        self._runner = runner
        self._direction: Direction | None = None
        self._look_at = 0.0
        self._left_because: str | None = None

    def leave(self, why: str) -> None:
        """Let it copy what it copies, and say so once."""
        if why != self._left_because:
            self._left_because = why
            _logger.warning("mirror.left_as_it_is", detail=why)

    async def tend(self, direction: Direction) -> None:
        """Look, if it is time to, and do what is due.

        Raises:
            MirrorUnavailableError: whoever runs it does not answer.
            LookError: what its worker notes of itself cannot be read.
        """
        now = time.monotonic()
        if direction != self._direction:
            self._direction, self._plane.mirror_tended = direction, Tended()
        elif now < self._look_at:
            return
        self._look_at = now + _EVERY_S
        before = self._plane.mirror_tended
        found = looked_at(before, await self._runner.failure(direction), now)
        self._plane.mirror_tended = found
        _tell(before, found, direction)
        if restart_is_due(found, now):
            await self._runner.restart(direction)
            found = self._plane.mirror_tended = restarted(found, time.monotonic())
            _logger.warning("mirror.restarted", direction=str(direction), restarts=found.restarts)


def _tell(before: Tended, found: Tended, direction: Direction) -> None:
    """Say when it fails and when it runs again, and when it is left to somebody else."""
    told = {"direction": str(direction), "detail": found.failure}
    if found.is_given_up and before.failure is None:
        _logger.error("mirror.given_up", restarts=found.restarts, **told)
    elif found.failure is not None and before.failure is None:
        _logger.warning("mirror.failed", **told)
    elif found.failure is None and before.failure is not None:
        _logger.warning("mirror.runs_again", direction=str(direction))
