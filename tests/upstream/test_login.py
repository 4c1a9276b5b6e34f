"""Logging in, against answers written by hand."""

import struct
from datetime import timedelta

import pytest

from contract.cluster_security import Password
from upstream.login import Login
from upstream.sasl.mechanism import LoginRefusedError
from upstream.sasl.oauthbearer import OAuthBearerClient
from upstream.sasl.plain import PlainClient

PLAIN = PlainClient(Password(mechanism="PLAIN", username="svc", password="secret"))


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def handshake(correlation_id: int, error: int, *mechanisms: str) -> bytes:
    names = b"".join(map(text, mechanisms))
    return struct.pack(">ihi", correlation_id, error, len(mechanisms)) + names


def authenticated(correlation_id: int, challenge: bytes = b"", lifetime_ms: int = 0) -> bytes:
    body = struct.pack(">hi", -1, len(challenge)) + challenge + struct.pack(">q", lifetime_ms)
    return struct.pack(">ih", correlation_id, 0) + body


def failed(correlation_id: int, message: str) -> bytes:
    return struct.pack(">ih", correlation_id, 58) + text(message) + struct.pack(">iq", 0, 0)


def test_a_login_ends_with_its_lifetime():
    login = Login(PLAIN)
    assert login.begin().endswith(text("PLAIN"))
    request = login.answered(handshake(1, 0, "PLAIN"))
    assert request is not None
    assert request.endswith(b"\0svc\0secret")
    assert login.answered(authenticated(2, lifetime_ms=1500)) is None
    assert login.lifetime == timedelta(milliseconds=1500)


def test_what_the_broker_says_is_told():
    login = Login(PLAIN)
    login.begin()
    login.answered(handshake(1, 0, "PLAIN"))
    with pytest.raises(LoginRefusedError, match="bad credentials"):
        login.answered(failed(2, "bad credentials"))


def test_a_mechanism_that_is_not_offered_is_told_with_those_that_are():
    login = Login(PLAIN)
    login.begin()
    with pytest.raises(LoginRefusedError, match="does not offer PLAIN, but GSSAPI, SCRAM-SHA-512"):
        login.answered(handshake(1, 33, "GSSAPI", "SCRAM-SHA-512"))


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\1", b"\0\0\0\7\0\0", b"\0\0\0\1\xff\xff\xff"])
def test_nonsense_is_no_login(answer: bytes):
    login = Login(PLAIN)
    login.begin()
    with pytest.raises(LoginRefusedError):
        login.answered(answer)


def test_a_refused_token_is_told_with_its_status():
    login = Login(OAuthBearerClient("token"))
    login.begin()
    assert b"auth=Bearer token\x01\x01" in (login.answered(handshake(1, 0, "OAUTHBEARER")) or b"")
    with pytest.raises(LoginRefusedError, match="invalid_token"):
        login.answered(authenticated(2, b'{"status":"invalid_token"}'))
