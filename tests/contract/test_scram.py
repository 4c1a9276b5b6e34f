"""SCRAM's arithmetic against the examples of the RFCs."""

import base64

import pytest

from contract.scram import ScramSyntaxError, attributes, derive_keys, sign, stored_key, xor


def test_the_example_of_rfc_7677():
    name = "SCRAM-SHA-256"
    keys = derive_keys(name, "pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = sign(name, stored_key(name, keys.client_key), message)
    proof = base64.b64encode(xor(keys.client_key, signature))
    assert proof == b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    server = base64.b64encode(sign(name, keys.server_key, message))
    assert server == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_attributes_are_read():
    assert attributes("r=a=b,s=c==,i=1") == {"r": "a=b", "s": "c==", "i": "1"}


@pytest.mark.parametrize("message", ["", "r", "rr=1", "r=1,r=2", "r=1,"])
def test_what_is_no_list_of_attributes_is_refused(message: str):
    with pytest.raises(ScramSyntaxError):
        attributes(message)
