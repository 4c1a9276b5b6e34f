"""SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding."""

import base64
import binascii
import hmac

from contract.cluster_security import Password
from contract.scram import (
    ScramKeys,
    ScramSyntaxError,
    attributes,
    derive_keys,
    sign,
    stored_key,
    xor,
)
from upstream.sasl.mechanism import LoginRefusedError

MOST_ITERATIONS = 1_000_000
"""More than any broker asks for; each thousand costs a fraction of a millisecond."""

_NO_BINDING = "n,,"


class PasswordKeys:
    """The keys of a password, kept for the next connection: deriving them takes milliseconds."""

    def __init__(self, login: Password) -> None:
        self._login = login
        self._kept: tuple[bytes, int, ScramKeys] | None = None

    def of(self, salt: bytes, iterations: int) -> ScramKeys:
        """The keys for what the server sent."""
        if self._kept is None or self._kept[:2] != (salt, iterations):
            login = self._login
            keys = derive_keys(login.mechanism, login.password, salt, iterations)
            self._kept = (salt, iterations, keys)
        return self._kept[2]


class ScramClient:
    """Proves to know a password, and has the server prove the same."""

    def __init__(self, login: Password, keys: PasswordKeys, nonce: str) -> None:
        """`nonce` is fresh for each exchange and printable, without a comma."""
        self.name = login.mechanism
        self._keys = keys
        self._nonce = nonce
        escaped = login.username.replace("=", "=3D").replace(",", "=2C")
        self._first_bare = f"n={escaped},r={nonce}"
        self._server_signature: bytes | None = None

    def begin(self) -> bytes:
        """Who we are, and our nonce."""
        return f"{_NO_BINDING}{self._first_bare}".encode()

    def respond(self, challenge: bytes) -> bytes | None:
        """The proof; then, of the server's last message, whether it knows the password too."""
        try:
            text = challenge.decode()
            found = attributes(text)
            if self._server_signature is None:
                return self._proof(text, found)
            self._check_server(found)
        except (ScramSyntaxError, UnicodeDecodeError, binascii.Error, KeyError, ValueError):
            raise LoginRefusedError("the broker's SCRAM message cannot be read") from None
        return None

    def _proof(self, server_first: str, found: dict[str, str]) -> bytes:
        nonce, iterations = found["r"], int(found["i"])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise LoginRefusedError("the broker's SCRAM nonce does not continue ours")
        if not 0 < iterations <= MOST_ITERATIONS:
            raise LoginRefusedError(f"the broker asks for {iterations} SCRAM iterations")
        keys = self._keys.of(base64.b64decode(found["s"], validate=True), iterations)
        binding = base64.b64encode(_NO_BINDING.encode()).decode()
        without_proof = f"c={binding},r={nonce}"
        message = f"{self._first_bare},{server_first},{without_proof}".encode()
        signature = sign(self.name, stored_key(self.name, keys.client_key), message)
        self._server_signature = sign(self.name, keys.server_key, message)
        proof = base64.b64encode(xor(keys.client_key, signature)).decode()
        return f"{without_proof},p={proof}".encode()

    def _check_server(self, found: dict[str, str]) -> None:
        if "e" in found:
            raise LoginRefusedError(f"SCRAM failed: {found['e']}")
        signature = base64.b64decode(found["v"], validate=True)
        if not hmac.compare_digest(signature, self._server_signature or b""):
            raise LoginRefusedError("the broker does not know the password that it asks for")
