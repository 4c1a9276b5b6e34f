"""Sealed verifiers: what control records say of passwords, for those who have the key alone.

Sealed with AES-SIV (RFC 5297), for which the same verifiers of the same account make the same bytes
and no nonce is there to be used twice: what is sealed already is known by its bytes. They are bound
to the account, so that nobody can put those of another in their place.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from contract.codec import canonical
from contract.scram import ScramMechanism, ScramVerifier
from contract.tokens import decode_key

_PURPOSE = b"interlock verifiers"
_NAME_BYTES = 4

_decoder = msgspec.json.Decoder(dict[ScramMechanism, ScramVerifier])


class SealError(ValueError):
    """What is sealed cannot be opened with the keys at hand; the message says of whom."""


class Seal:
    """Seals with the first of its keys, and opens with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """With at least one key, of 256 bits or more."""
        self._ciphers = [AESSIV(hmac.digest(key, _PURPOSE, "sha512")) for key in keys]
        self.keys = tuple(
            hashlib.sha256(_PURPOSE + key).hexdigest()[: 2 * _NAME_BYTES] for key in keys
        )
        """What each key is called where it is told who has which; says nothing of the key."""

    @classmethod
    def of(cls, secret: str) -> "Seal":
        """With the keys of `INTERLOCK_SEALING_KEY`: base64, with commas between.

        Raises:
            ValueError: one is not base64, or too short; the message does not hold it.
        """
        return cls([decode_key(one.strip()) for one in secret.split(",")])

    def seal(
        self, vcluster: str, name: str, verifiers: Mapping[ScramMechanism, ScramVerifier]
    ) -> bytes:
        """An account's verifiers, sealed."""
        return self._ciphers[0].encrypt(canonical(verifiers), _about(vcluster, name))

    def open(self, vcluster: str, name: str, sealed: bytes) -> dict[ScramMechanism, ScramVerifier]:
        """The verifiers of an account that were sealed.

        Raises:
            SealError: they were sealed with another key, or for another account.
        """
        for cipher in self._ciphers:
            try:
                return _decoder.decode(cipher.decrypt(sealed, _about(vcluster, name)))
            except (InvalidTag, ValueError):
                continue
        raise SealError(
            f"the password of {name} of {vcluster} is sealed with a key that is not in"
            " INTERLOCK_SEALING_KEY"
        )


def _about(vcluster: str, name: str) -> list[bytes]:
    return [vcluster.encode(), name.encode()]
