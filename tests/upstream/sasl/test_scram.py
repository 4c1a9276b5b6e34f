"""The client's side of SCRAM, with the example of RFC 7677 and with brokers that lie."""

import pytest

from contract.cluster_security import Password
from upstream.sasl.mechanism import LoginRefusedError
from upstream.sasl.scram import PasswordKeys, ScramClient

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = f"{NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = f"r={SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def client(username: str = "user", password: str = "pencil") -> ScramClient:
    login = Password(mechanism="SCRAM-SHA-256", username=username, password=password)
    return ScramClient(login, PasswordKeys(login), NONCE)


def test_the_exchange_of_the_rfc():
    scram = client()
    assert scram.begin() == f"n,,n=user,r={NONCE}".encode()
    proof = b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert scram.respond(SERVER_FIRST) == f"c=biws,r={SERVER_NONCE},".encode() + proof
    assert scram.respond(SERVER_FINAL) is None


def test_separators_in_a_name_are_escaped():
    assert client("a=b,c").begin().startswith(b"n,,n=a=3Db=2Cc,r=")


@pytest.mark.parametrize(
    ("server_first", "says"),
    [
        (b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "does not continue ours"),
        (f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode(), "does not continue ours"),
        (f"r={SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=100000000".encode(), "iterations"),
        (f"r={SERVER_NONCE},s=#,i=4096".encode(), "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_broker_that_breaks_the_rules_gets_no_proof(server_first: bytes, says: str):
    scram = client()
    scram.begin()
    with pytest.raises(LoginRefusedError, match=says):
        scram.respond(server_first)


@pytest.mark.parametrize("final", [b"v=AAAA", b"e=unknown-user", b"nothing"])
def test_a_broker_that_does_not_know_the_password_is_refused(final: bytes):
    scram = client()
    scram.begin()
    scram.respond(SERVER_FIRST)
    with pytest.raises(LoginRefusedError):
        scram.respond(final)
