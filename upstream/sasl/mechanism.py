"""What every mechanism is, seen from the log-in."""

from typing import Protocol


class LoginRefusedError(Exception):
    """The broker does not let us in, or is not who it should be. Holds no secret."""


class ClientMechanism(Protocol):
    """The client's side of one exchange."""

    @property
    def name(self) -> str:
        """The mechanism's name in SaslHandshake."""
        ...

    def begin(self) -> bytes:
        """The first message."""
        ...

    def respond(self, challenge: bytes) -> bytes | None:
        """The answer to a challenge; None when the exchange is complete.

        Raises:
            LoginRefusedError: the challenge shows that the exchange has failed.
        """
        ...
