"""What a client has proved, and whether it still holds: an account's record can take it back."""

import hmac
from dataclasses import dataclass
from typing import Protocol

from contract.records import ServiceAccount


class Proof(Protocol):
    """Who a client is, and how that is known."""

    @property
    def vcluster(self) -> str:
        """The virtual cluster."""
        ...

    @property
    def user(self) -> str:
        """The account."""
        ...

    @property
    def expires_at(self) -> float | None:
        """Epoch seconds at which the proof ends by itself; None if it does not."""
        ...

    def objection(self, account: ServiceAccount | None) -> str | None:
        """Why the proof does not hold (any more); None if it does."""
        ...


@dataclass(frozen=True, slots=True)
class TokenProof:
    """A token of ours."""

    vcluster: str
    user: str
    expires_at: float
    issued_at: int | None
    """Epoch seconds; None for the incumbent's tokens, which do not say."""

    def objection(self, account: ServiceAccount | None) -> str | None:
        """Tokens need no record of their account; but it may say that they are void."""
        if account is None or account.revoked_at is None:
            return None
        if self.issued_at is not None and self.issued_at > account.revoked_at:
            return None
        return f"the tokens of {self.user} were revoked; ask for a new one"


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """A password, by SCRAM."""

    vcluster: str
    user: str
    mechanism: str
    stored_key: bytes
    expires_at: None = None

    def objection(self, account: ServiceAccount | None) -> str | None:
        """The account must still have the very password."""
        known = account.scram.items() if account is not None else ()
        for mechanism, verifier in known:
            if mechanism == self.mechanism:
                same = hmac.compare_digest(verifier.stored_key, self.stored_key)
                return None if same else f"the password of {self.user} was changed"
        return f"the password of {self.user} was revoked"

    def __repr__(self) -> str:
        return f"PasswordProof({self.user}@{self.vcluster})"


@dataclass(frozen=True, slots=True)
class ExternalProof:
    """A name that somebody else vouches for: an OAuth issuer, or a certificate authority."""

    vcluster: str
    user: str
    external_name: str
    expires_at: float | None

    def objection(self, account: ServiceAccount | None) -> str | None:
        """The account must still have the name."""
        if account is not None and self.external_name in account.external_names:
            return None
        return f"{self.external_name} is account {self.user} no more"
