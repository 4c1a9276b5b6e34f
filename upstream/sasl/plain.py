"""SASL/PLAIN (RFC 4616)."""

from contract.cluster_security import Password


class PlainClient:
    """Sends user name and password."""

    name = "PLAIN"

    def __init__(self, login: Password) -> None:
        self._login = login

    def begin(self) -> bytes:
        """`NUL username NUL password`."""
        return f"\0{self._login.username}\0{self._login.password}".encode()

    def respond(self, challenge: bytes) -> bytes | None:  # noqa: ARG002 - PLAIN knows none
        """There is nothing more to say."""
        return None
