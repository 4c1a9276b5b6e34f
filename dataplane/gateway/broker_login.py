"""A connection to a broker that is ready for a client's requests: made, encrypted, logged in."""

import asyncio
import random
from time import monotonic
from typing import cast

from dataplane.gateway.frames import LENGTH, Frame, LentBuffer
from dataplane.gateway.upstream_connection import UpstreamConnection
from upstream.access import ClusterAccess
from upstream.login import Login
from upstream.sasl.mechanism import LoginRefusedError

RENEWED_AFTER = (0.8, 0.9)
"""The part of its session after which a connection is exchanged for a new one; chosen at random,
so that connections that were made together are not all renewed together."""

SHUTDOWN_LIMIT = 1.0
"""Seconds that a broker gets to answer the end of a TLS connection."""


async def connect(
    access: ClusterAccess, epoch: int, address: tuple[str, int], lent: LentBuffer
) -> UpstreamConnection:
    """Connect to a broker, to read from it into the buffer lent.

    Whoever takes the connection makes itself its owner.

    Raises:
        OSError: nobody answers there, or not as a broker of this cluster would.
        LoginRefusedError: the broker does not let us in.
    """
    applicant = _Applicant()
    host, port = address
    context = access.tls_context()
    upstream = UpstreamConnection(applicant, epoch, lent)
    await asyncio.get_running_loop().create_connection(
        lambda: cast("asyncio.BufferedProtocol", upstream),
        host,
        port,
        ssl=context,
        ssl_shutdown_timeout=SHUTDOWN_LIMIT if context is not None else None,
    )
    try:
        login = await access.login()
        if login is not None:
            await applicant.log_in(upstream, login)
            upstream.renew_at = _renew_at(login)
    except BaseException:
        upstream.transport.abort()
        raise
    return upstream


def _renew_at(login: Login) -> float:
    lifetime = login.lifetime.total_seconds() if login.lifetime else 0.0
    if lifetime <= 0:
        return float("inf")
    return monotonic() + lifetime * random.uniform(*RENEWED_AFTER)  # noqa: S311 - only spreads load


class _Applicant:
    """Owns a connection until the broker has let us in."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def log_in(self, upstream: UpstreamConnection, login: Login) -> None:
        """Go through the log-in."""
        request: bytes | None = login.begin()
        while request is not None:
            upstream.transport.write(LENGTH.pack(len(request)) + request)
            answer = await self._answers.get()
            if answer is None:
                raise LoginRefusedError("the broker closed the connection during the log-in")
            request = login.answered(answer)

    def answers_received(self, upstream: UpstreamConnection, frames: list[Frame]) -> None:  # noqa: ARG002 - there is but one
        """Answers of the broker, in order."""
        for frame in frames:
            self._answers.put_nowait(bytes(frame))

    def short_of_memory(self, upstream: UpstreamConnection) -> None:
        """Its pool has no limit until somebody takes it over."""

    def upstream_lost(self, upstream: UpstreamConnection) -> None:  # noqa: ARG002
        """The connection is gone."""
        self._answers.put_nowait(None)

    def upstream_writable(self, upstream: UpstreamConnection, *, writable: bool) -> None:
        """What a log-in sends fits into any buffer."""
