"""Accepts clients that speak TLS, each with the certificate of the moment.

asyncio's own server keeps the context that it was made with, so connections are accepted here.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import closing

import structlog

from contract.server_certificate import ServerCertificate

HANDSHAKE_LIMIT = 10.0
"""Seconds that a client may take for the handshake."""

SHUTDOWN_LIMIT = 2.0
"""Seconds that a client gets to answer the end of a connection."""

PAUSE = 0.5
"""Seconds to wait when the process may open no more files."""

_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "HTTPS_PROXY_REQUEST"}

log = structlog.get_logger()


class TlsListener:
    """One port."""

    def __init__(
        self,
        address: tuple[str, int],
        certificate: ServerCertificate,
        make_protocol: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        """Listen; connections are accepted once it runs."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family, backlog=1024, reuse_port=True)
        self._socket.setblocking(False)
        self._certificate = certificate
        self._make_protocol = make_protocol
        self._accepting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Accept connections until it is closed."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            self._accepting = tasks.create_task(self._accept(loop, tasks))

    def close(self) -> None:
        """Accept no more; handshakes that have begun go on."""
        if self._accepting is not None:
            self._accepting.cancel()
        else:
            self._socket.close()

    async def _accept(self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup) -> None:
        with closing(self._socket):
            while True:
                try:
                    accepted, peer = await loop.sock_accept(self._socket)
                except OSError as error:
                    log.warning("cannot accept a client", error=str(error))
                    await asyncio.sleep(PAUSE)
                    continue
                tasks.create_task(self._shake_hands(loop, accepted, f"{peer[0]}:{peer[1]}"))

    async def _shake_hands(
        self, loop: asyncio.AbstractEventLoop, accepted: socket.socket, peer: str
    ) -> None:
        try:
            await loop.connect_accepted_socket(
                self._make_protocol,
                accepted,
                ssl=self._certificate.context,
                ssl_handshake_timeout=HANDSHAKE_LIMIT,
                ssl_shutdown_timeout=SHUTDOWN_LIMIT,
            )
        except (OSError, TimeoutError) as error:
            log.warning("no TLS with a client", peer=peer, reason=_reason(error))
            accepted.close()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason in _NOT_TLS:
            return "it does not speak TLS, which this port wants (security.protocol)"
        return (error.reason or "the handshake failed").replace("_", " ").lower()
    return str(error) or "the handshake took too long"
