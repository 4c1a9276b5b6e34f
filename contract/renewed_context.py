"""One TLS context for libraries that keep it for ever, over certificates that are renewed."""

import ssl
from collections.abc import Callable
from typing import Self


class RenewedContext(ssl.SSLContext):
    """Makes each connection with the context of that moment.

    Servers and HTTP clients keep the context that they were made with, and ask it for each new
    connection (`wrap_bio`, as asyncio and anyio do it).
    """

    _current: Callable[[], ssl.SSLContext]

    @classmethod
    def over(cls, current: Callable[[], ssl.SSLContext], *, is_server: bool) -> Self:
        """The one for these.

        Args:
            current: the context for a connection that is made now.
            is_server: which end it is for.
        """
        context = cls(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
        context._current = current
        return context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as the standard library's
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """A connection with the certificates of now."""
        return self._current().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
