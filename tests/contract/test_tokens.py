"""The key that signs tokens."""

import base64

import pytest

from contract.tokens import decode_key


def test_a_key_of_256_bits_is_taken() -> None:
    assert decode_key(base64.b64encode(b"k" * 32).decode()) == b"k" * 32


@pytest.mark.parametrize(
    ("secret", "says"),
    [("%%%", "not base64"), ("c2hvcnQ=", "shorter than 256 bits"), ("", "shorter than 256 bits")],
)
def test_other_keys_are_refused_without_being_quoted(secret: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        decode_key(secret)
    assert not secret or secret not in str(refused.value)
