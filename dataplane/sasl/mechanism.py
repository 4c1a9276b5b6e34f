"""What every mechanism is, seen from the connection that speaks it."""

from typing import Literal, NamedTuple, Protocol, TypeAlias

from contract.scram import SCRAM_MECHANISMS, ScramMechanism
from dataplane.sasl.proof import Proof

MechanismName: TypeAlias = Literal["PLAIN", "OAUTHBEARER"] | ScramMechanism

MECHANISMS: tuple[MechanismName, ...] = ("PLAIN", *SCRAM_MECHANISMS, "OAUTHBEARER")


class AuthenticationError(ValueError):
    """A client did not prove who it is. The message may be shown to it and holds no secret."""


class Challenge(NamedTuple):
    """The exchange goes on: the client is to answer this."""

    message: bytes
    refusal: str | None = None
    """Why the exchange has failed already, if it only has to be ended in good form."""


class Proved(NamedTuple):
    """The client is who it says it is."""

    proof: Proof
    message: bytes = b""
    """The last thing that it is told."""


Outcome: TypeAlias = Challenge | Proved


class Mechanism(Protocol):
    """One exchange with one client."""

    def respond(self, message: bytes) -> Outcome:
        """Take the client's next message.

        Raises:
            AuthenticationError: the exchange has failed.
        """
        ...
