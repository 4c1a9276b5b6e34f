"""SCRAM's arithmetic (RFC 5802, RFC 7677), for both sides of an exchange, and what is stored.

Kafka hashes the password's UTF-8 bytes as they are, without SASLprep (`ScramFormatter.normalize`).
"""

import hashlib
import hmac
from typing import Literal, TypeAlias, get_args

import msgspec

ScramMechanism: TypeAlias = Literal["SCRAM-SHA-256", "SCRAM-SHA-512"]

SCRAM_MECHANISMS: tuple[ScramMechanism, ...] = get_args(ScramMechanism)

ITERATIONS = 8192
"""Kafka's own brokers accept 4096 to 16384. Clients pay for them at each log-in, we never do."""

SALT_BYTES = 24

_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class ScramVerifier(msgspec.Struct, frozen=True, kw_only=True):
    """What proves that a client knows a password, without being it."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return f"ScramVerifier(iterations={self.iterations})"


class ScramKeys(msgspec.Struct, frozen=True):
    """What a password becomes with a salt and a number of iterations."""

    client_key: bytes
    server_key: bytes

    def __repr__(self) -> str:
        return "ScramKeys()"


class ScramSyntaxError(ValueError):
    """A SCRAM message has another form than RFC 5802 gives it."""


def derive_keys(mechanism: str, password: str, salt: bytes, iterations: int) -> ScramKeys:
    """Both keys of a password. Takes milliseconds: the iterations are the point."""
    name = _HASHES[mechanism]
    salted = hashlib.pbkdf2_hmac(name, password.encode(), salt, iterations)
    return ScramKeys(sign(mechanism, salted, b"Client Key"), sign(mechanism, salted, b"Server Key"))


def make_verifier(mechanism: str, password: str, salt: bytes, iterations: int) -> ScramVerifier:
    """What is kept of a password."""
    keys = derive_keys(mechanism, password, salt, iterations)
    return ScramVerifier(
        salt=salt,
        iterations=iterations,
        stored_key=stored_key(mechanism, keys.client_key),
        server_key=keys.server_key,
    )


def sign(mechanism: str, key: bytes, message: bytes) -> bytes:
    """HMAC with the mechanism's hash."""
    return hmac.digest(key, message, _HASHES[mechanism])


def stored_key(mechanism: str, client_key: bytes) -> bytes:
    """The hash of a client key."""
    return hashlib.new(_HASHES[mechanism], client_key).digest()


def xor(left: bytes, right: bytes) -> bytes:
    """Byte by byte; both have the length of the hash."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def attributes(message: str) -> dict[str, str]:
    """The comma-separated `name=value` pairs of a SCRAM message.

    Raises:
        ScramSyntaxError: a part is no such pair, or a name comes twice.
    """
    found: dict[str, str] = {}
    for part in message.split(","):
        name, equals, value = part.partition("=")
        if not equals or len(name) != 1 or name in found:
            raise ScramSyntaxError("the SCRAM message is not a list of attributes")
        found[name] = value
    return found
