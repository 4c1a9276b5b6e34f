"""Whoever runs MirrorMaker 2, as the coordinator sees it."""

import ssl
from functools import cache
from typing import NamedTuple, Protocol

import httpx

from contract.mirror import Direction
from controlplane.domain.mirror.events import Position


class MirrorUnavailableError(Exception):
    """Whoever runs MirrorMaker 2 does not do as told; the message says who and why."""


class Running(NamedTuple):
    """What a runner copies."""

    direction: Direction | None
    """None: nothing."""
    left_out: tuple[str, ...] | None
    """Virtual clusters whose topics and groups are not copied; None: it can leave out none."""


class Runner(Protocol):
    """Runs one direction, or none. Every call may be repeated."""

    async def running(self) -> Running:
        """What is run now."""
        ...

    async def run(self, direction: Direction | None, left_out: tuple[str, ...] = ()) -> None:
        """Run this direction and no other; returns when others are stopped.

        Args:
            direction: which way; None: copy nothing.
            left_out: virtual clusters whose topics and groups are not copied, by a runner that
                can leave some out.
        """
        ...

    async def seed(self, direction: Direction, positions: tuple[Position, ...]) -> None:
        """Set where a direction that is not run begins."""
        ...

    async def restart(self, direction: Direction) -> None:
        """Start again what has failed of a direction that is run."""
        ...

    async def failure(self, direction: Direction) -> str | None:
        """Which connector or task of a direction has failed, and why; None if none has."""
        ...

    async def trouble(self, direction: Direction) -> str | None:
        """Why a direction that should run does not, as far as that is known."""
        ...


@cache
def certificates() -> ssl.SSLContext:
    """Whom calls by HTTPS believe; read once, as that takes longer than most calls do."""
    return httpx.create_ssl_context()


def unavailable(who: str, error: httpx.HTTPError) -> MirrorUnavailableError:
    """What to say of a failed call, without the URL, which may hold a password."""
    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        said = answer.text.strip()[:300]
        return MirrorUnavailableError(f"{who} answered {answer.status_code}: {said}")
    return MirrorUnavailableError(f"{who} does not answer: {error or type(error).__name__}")
