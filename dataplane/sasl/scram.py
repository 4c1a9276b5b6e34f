"""SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding, as in Kafka.

A user that does not exist is led through the whole exchange with a salt that is made up for its
name, always the same, so that nobody can find out which accounts there are.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from contract.names import split_login_name
from contract.records import ServiceAccount
from contract.scram import (
    ITERATIONS,
    SALT_BYTES,
    ScramMechanism,
    ScramSyntaxError,
    ScramVerifier,
    attributes,
    sign,
    stored_key,
    xor,
)
from dataplane.sasl.mechanism import AuthenticationError, Challenge, Outcome, Proved
from dataplane.sasl.proof import PasswordProof

AccountOf: TypeAlias = Callable[[str, str], ServiceAccount | None]
"""The account of a virtual cluster, by both their names."""

LONGEST_NONCE = 256
"""Characters of a client's nonce; Java's has 24 or so."""


class _Begun(NamedTuple):
    """What the first half of an exchange has settled."""

    username: str
    verifier: ScramVerifier | None
    """None: there is no such user, and it shall not notice."""
    binding: str
    nonce: str
    client_first: str
    """Without its header, as both sides sign it."""
    server_first: str


class Scram:
    """One exchange."""

    def __init__(
        self, mechanism: ScramMechanism, account_of: AccountOf, nonce: str, secret: bytes
    ) -> None:
        """`nonce` is fresh and printable without a comma; `secret` makes up salts."""
        self._mechanism: ScramMechanism = mechanism
        self._account_of = account_of
        self._nonce = nonce
        self._secret = secret
        self._begun: _Begun | None = None

    def respond(self, message: bytes) -> Outcome:
        """Take the client's first message, then its proof.

        Raises:
            AuthenticationError: the message is malformed, or proves nothing.
        """
        try:
            text = message.decode()
            if self._begun is None:
                self._begun = self._begin(text)
                return Challenge(self._begun.server_first.encode())
            return self._finish(text, self._begun)
        except AuthenticationError:
            raise
        except (ScramSyntaxError, KeyError, binascii.Error, ValueError):
            raise AuthenticationError(f"the {self._mechanism} message is malformed") from None

    def _begin(self, text: str) -> _Begun:
        flag, authorization_id, bare = text.split(",", 2)
        if flag not in {"n", "y"}:
            raise AuthenticationError("channel binding is not supported")
        found = attributes(bare)
        if "m" in found:
            raise AuthenticationError("extensions of SCRAM are not supported")
        username = _unescaped(found["n"])
        if authorization_id not in {"", f"a={found['n']}"}:
            raise AuthenticationError("acting for another user is not supported")
        if not 0 < len(found["r"]) <= LONGEST_NONCE:
            raise AuthenticationError("the client's nonce is missing or too long")
        verifier = self._verifier(username)
        shown = verifier or self._made_up(username)
        nonce = found["r"] + self._nonce
        salt = base64.b64encode(shown.salt).decode()
        server_first = f"r={nonce},s={salt},i={shown.iterations}"
        binding = base64.b64encode(f"{flag},{authorization_id},".encode()).decode()
        return _Begun(username, verifier, binding, nonce, bare, server_first)

    def _finish(self, text: str, begun: _Begun) -> Proved:
        without_proof, comma, _ = text.rpartition(",p=")
        found = attributes(text)
        if not comma or found["c"] != begun.binding:
            raise AuthenticationError("the channel binding was changed on the way")
        if not hmac.compare_digest(found["r"].encode(), begun.nonce.encode()):
            raise AuthenticationError("the nonce was changed on the way")
        verifier = begun.verifier or self._made_up(begun.username)
        signed = f"{begun.client_first},{begun.server_first},{without_proof}".encode()
        signature = sign(self._mechanism, verifier.stored_key, signed)
        client_key = xor(base64.b64decode(found["p"], validate=True), signature)
        proved = hmac.compare_digest(stored_key(self._mechanism, client_key), verifier.stored_key)
        account = split_login_name(begun.username)
        if not proved or begun.verifier is None or account is None:
            raise AuthenticationError("the user name or the password is wrong")
        server = base64.b64encode(sign(self._mechanism, verifier.server_key, signed)).decode()
        proof = PasswordProof(*account, self._mechanism, verifier.stored_key)
        return Proved(proof, f"v={server}".encode())

    def _verifier(self, username: str) -> ScramVerifier | None:
        names = split_login_name(username)
        account = self._account_of(*names) if names is not None else None
        return account.scram.get(self._mechanism) if account is not None else None

    def _made_up(self, username: str) -> ScramVerifier:
        seed = sign(self._mechanism, self._secret, f"{self._mechanism} {username}".encode())
        return ScramVerifier(
            salt=seed[:SALT_BYTES], iterations=ITERATIONS, stored_key=seed, server_key=seed
        )


def _unescaped(name: str) -> str:
    """RFC 5802: `=2C` is a comma and `=3D` an equals sign; any other `=` is an error."""
    if "=" in name.replace("=2C", "").replace("=3D", ""):
        raise ScramSyntaxError("the user name is not escaped as RFC 5802 wants it")
    return name.replace("=2C", ",").replace("=3D", "=")
