"""Tokens of an issuer: which are good, and every way in which one is not."""

import base64
import hashlib
import hmac
import time
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contract.issuer_tokens import (
    LEEWAY_S,
    SigningKey,
    TokenRules,
    UnknownKeyError,
    keys_from,
)
from contract.records import ServiceAccount
from dataplane.sasl.mechanism import AuthenticationError, Challenge, Proved
from dataplane.sasl.oauthbearer import OAuthBearer, parse

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
NOW = int(time.time())  # noqa: TID251 - a token's times are of the wall clock
A_DAY = 86_400
"""Seconds; tokens are made when tests are collected, and a whole run takes its time."""
RULES = TokenRules(issuer="https://idp", audiences=("kafka", "other"))
ACCOUNT = ServiceAccount(vcluster="teamA", name="sa", external_names=("app-1",))


def jwk(algorithm: Any, key: Any, **more: str) -> dict[str, Any]:
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), **more}


JWKS = msgspec.json.encode(
    {
        "keys": [
            jwk(jwt.algorithms.RSAAlgorithm, RSA, kid="rsa"),
            jwk(jwt.algorithms.ECAlgorithm, EC, kid="ec", alg="ES256", use="sig"),
            jwk(jwt.algorithms.RSAAlgorithm, RSA, kid="enc", use="enc"),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"},
        ]
    }
)


def keys_of(key_id: str | None) -> list[SigningKey]:
    found = [key for key in keys_from(JWKS) if key_id in {None, key.key_id}]
    if not found:
        raise UnknownKeyError
    return found


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", **claims: Any) -> str:
    body = {"iss": "https://idp", "aud": "kafka", "sub": "app-1", "exp": NOW + A_DAY} | claims
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, key, algorithm, headers={"kid": kid} if kid else None)


def message(shown: str, header: str = "n,,") -> bytes:
    return f"{header}\x01auth=Bearer {shown}\x01\x01".encode()


def exchange() -> OAuthBearer:
    def account_named(name: str) -> ServiceAccount | None:
        return ACCOUNT if name == "app-1" else None

    return OAuthBearer(RULES, keys_of, account_named)


@pytest.mark.parametrize(
    "good",
    [
        token(),
        token(algorithm="PS512"),
        token(kid=None),
        token(EC, "ES256", "ec"),
        token(aud=["else", "other"]),
    ],
    ids=["RS256", "PS512", "no key id", "ES256", "one of two audiences"],
)
def test_a_good_token_is_the_account_with_that_external_name(good: str):
    outcome = exchange().respond(message(good))
    assert isinstance(outcome, Proved)
    assert (outcome.proof.vcluster, outcome.proof.user) == ("teamA", "sa")
    assert outcome.proof.expires_at == NOW + A_DAY + LEEWAY_S
    assert outcome.proof.objection(ACCOUNT) is None
    stranger = ServiceAccount(vcluster="teamA", name="sa")
    assert "account sa no more" in (outcome.proof.objection(stranger) or "")


def signed_with_the_public_key() -> str:
    """A token whose HMAC key is the issuer's public key, which anybody has."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = token().split(".")
    head = encoded(b'{"alg":"HS256","kid":"rsa"}')
    return (
        f"{head}.{body}.{encoded(hmac.digest(public, f'{head}.{body}'.encode(), hashlib.sha256))}"
    )


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned() -> str:
    head = encoded(b'{"alg":"none","kid":"rsa"}')
    return f"{head}.{token().split('.')[1]}."


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (token(exp=NOW - 60), "has expired"),
        (token(exp=None), "exp"),
        (token(nbf=NOW + A_DAY), "not yet valid"),
        (token(iss="https://evil"), "issuer"),
        (token(aud="billing"), "udience"),
        (token(aud=None), "aud"),
        (token(sub="nobody"), "no account has the external name nobody"),
        (token(sub=None), "no claim sub"),
        (token(rsa.generate_private_key(65537, 2048)), "not signed by the issuer"),
        (token(EC, "ES256", "rsa"), "do not fit"),
        (signed_with_the_public_key(), "do not fit"),
        (unsigned(), "do not fit"),
        ("not.a.token", "not a JSON Web Token"),
    ],
    ids=[
        "expired",
        "without expiry",
        "not yet valid",
        "another issuer",
        "another audience",
        "no audience",
        "a stranger",
        "nobody",
        "another key",
        "another algorithm",
        "the public key as a secret",
        "unsigned",
        "no token",
    ],
)
def test_a_bad_token_is_answered_as_the_rfc_wants_it_and_then_refused(bad: str, says: str):
    bearer = exchange()
    outcome = bearer.respond(message(bad))
    assert isinstance(outcome, Challenge)
    assert msgspec.json.decode(outcome.message) == {"status": "invalid_token"}
    assert outcome.refusal is not None
    assert says in outcome.refusal
    with pytest.raises(AuthenticationError) as refused:
        bearer.respond(b"\x01")
    assert says in str(refused.value)


@pytest.mark.parametrize("kid", ["new", "enc", "oct"])
def test_a_key_that_is_not_known_is_asked_for(kid: str):
    with pytest.raises(UnknownKeyError):
        exchange().respond(message(token(kid=kid)))


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"n,,",
        b"n,,\x01\x01",
        b"n,,\x01auth=Basic x\x01\x01",
        b"n,,\x01auth=Bearer x",
        b"p=x,,\x01auth=Bearer x\x01\x01",
        b"\xff\x01\x01",
    ],
)
def test_a_malformed_message_is_refused(malformed: bytes):
    with pytest.raises(AuthenticationError):
        parse(malformed)


def test_extensions_are_allowed_and_another_user_is_not():
    assert parse(b"n,,\x01auth=Bearer x\x01traceId=1\x01\x01") == ("x", "")
    outcome = exchange().respond(message(token(), header="n,a=other,"))
    assert isinstance(outcome, Challenge)


@pytest.mark.parametrize(
    "document", [b"", b"{}", b'{"keys":[]}', b'{"keys":[{"kty":"oct"}]}', b"[]"]
)
def test_what_is_no_key_set_is_refused(document: bytes):
    with pytest.raises(ValueError, match="it "):
        keys_from(document)
