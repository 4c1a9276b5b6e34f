"""The SASL mechanisms that this node offers, and a new exchange of each."""

import secrets
import time

from contract.issuer_keys import IssuerKeys
from contract.issuer_tokens import TokenRules
from dataplane.gateway.logins import Logins
from dataplane.sasl.mechanism import Mechanism, MechanismName
from dataplane.sasl.oauthbearer import OAuthBearer
from dataplane.sasl.plain import Plain
from dataplane.sasl.scram import Scram

NONCE_BYTES = 24


class Mechanisms:
    """What SaslHandshake answers, and what comes after it."""

    def __init__(
        self,
        names: tuple[MechanismName, ...],
        signing_key: bytes,
        logins: Logins,
        rules: TokenRules,
        keys: IssuerKeys,
    ) -> None:
        """`signing_key` signs our tokens; `rules` and `keys` are for those of an issuer."""
        self.names = names
        self._signing_key = signing_key
        self._logins = logins
        self._rules = rules
        self._keys = keys

    def begin(self, wanted: str) -> Mechanism | None:
        """A new exchange; None if the mechanism is not offered."""
        for name in self.names:
            if name == wanted:
                return self._begin(name)
        return None

    def _begin(self, name: MechanismName) -> Mechanism:
        match name:
            case "PLAIN":
                now = int(time.time())  # noqa: TID251 - a token's expiry is a wall-clock time
                return Plain(self._signing_key, now)
            case "OAUTHBEARER":
                return OAuthBearer(self._rules, self._keys.of, self._logins.account_named)
            case _:
                nonce = secrets.token_urlsafe(NONCE_BYTES)
                return Scram(name, self._logins.account_of, nonce, self._signing_key)
