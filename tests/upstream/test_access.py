"""Every way into a real broker, and what is said when there is none."""

import asyncio
import base64
import time
from pathlib import Path

import pytest

from contract.clusters_file import ClusterProperties
from controlplane.probes.describe import UnreachableError, describe
from controlplane.probes.preflight import preflight
from sandbox.certificates import CertificateAuthority
from tests.environment.secure import SecureBroker
from upstream.access import ClusterAccess

pytestmark = pytest.mark.environment


def unsecured_token(**claims: object) -> str:
    """A token without a signature: what a broker accepts that was told of no issuer."""
    now = int(time.time())  # noqa: TID251 - a token's times are of the wall clock
    body = {"sub": "gateway", "iat": now, "exp": now + 600} | claims
    parts = (b'{"alg":"none"}', str(body).replace("'", '"').encode())
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + "."


def ways_in(secure: SecureBroker, folder: Path) -> dict[str, ClusterProperties]:
    token = folder / "token"
    token.write_text(unsecured_token())
    text = {"bootstrap_servers": secure.plain_text, "security_protocol": "SASL_PLAINTEXT"}
    bearer = {
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauthbearer_token_endpoint_url": token.as_uri(),
    }
    key = secure.authority.issue("client")
    _, private, certificate = _parts(key)
    return {
        "SCRAM-SHA-512 over TLS": secure.described(),
        "SCRAM-SHA-256 over TLS": secure.described(sasl_mechanism="SCRAM-SHA-256"),
        "PLAIN over TLS": secure.described(
            sasl_mechanism="PLAIN", sasl_jaas_config=secure.plain_jaas
        ),
        "OAUTHBEARER over TLS": secure.described(**bearer),
        "SCRAM-SHA-512": secure.described(**text),
        "PLAIN": secure.described(
            **text, sasl_mechanism="PLAIN", sasl_jaas_config=secure.plain_jaas
        ),
        "OAUTHBEARER": secure.described(**text, **bearer),
        "a certificate in a file": secure.described(
            bootstrap_servers=secure.keys_only,
            security_protocol="SSL",
            ssl_keystore_location=str(key),
            ssl_keystore_type="PEM",
        ),
        "a certificate in the properties": secure.described(
            bootstrap_servers=secure.keys_only,
            security_protocol="SSL",
            ssl_keystore_key=private,
            ssl_keystore_certificate_chain=certificate,
        ),
    }


def _parts(store: Path) -> tuple[str, str, str]:
    text = store.read_text()
    at = text.index("-----BEGIN CERTIFICATE")
    return text, text[:at], text[at:]


async def test_every_way_in(secure: SecureBroker, tmp_path: Path):
    for way, cluster in ways_in(secure, tmp_path).items():
        assert await ClusterAccess(cluster).refusal() is None, way
        assert (await describe(cluster)).brokers == (1,), way


async def test_a_wrong_password_is_told_with_user_and_mechanism(secure: SecureBroker):
    wrong = secure.described(sasl_jaas_config=secure.security.jaas.replace('d="', 'd="x'))
    with pytest.raises(UnreachableError) as refused:
        await describe(wrong)
    said = str(refused.value)
    assert "cluster main does not let us in" in said
    assert "refuses the log-in of interlock with SCRAM-SHA-512" in said
    assert secure.security.password not in said


async def test_the_plan_of_a_switch_says_who_refuses(secure: SecureBroker):
    wrong = secure.described(sasl_jaas_config=secure.security.jaas.replace('d="', 'd="x'))
    found = await preflight(None, wrong, None, None)
    (check,) = found.checks
    assert not check.passed
    assert "refuses the log-in of interlock" in (check.detail or "")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_mechanism_that_fails_is_named(secure: SecureBroker, mechanism: str):
    wrong = secure.described(
        sasl_mechanism=mechanism, sasl_jaas_config='Module required username="x" password="y";'
    )
    assert f"of x with {mechanism}" in (await ClusterAccess(wrong).refusal() or "")


async def test_a_refused_token_is_told(secure: SecureBroker, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text(unsecured_token(exp=1))
    expired = secure.described(
        sasl_mechanism="OAUTHBEARER", sasl_oauthbearer_token_endpoint_url=token.as_uri()
    )
    assert "OAUTHBEARER: the token is refused" in (await ClusterAccess(expired).refusal() or "")


async def test_a_stranger_s_certificate_is_not_trusted(secure: SecureBroker, tmp_path: Path):
    other = CertificateAuthority(tmp_path, "somebody else")
    distrusted = secure.described(ssl_truststore_location=str(other.file))
    refusal = await ClusterAccess(distrusted).refusal()
    assert "its certificate is not accepted" in (refusal or "")


async def test_nobody_at_home_is_no_refusal(secure: SecureBroker):
    gone = secure.described(bootstrap_servers="localhost:1")
    async with asyncio.timeout(10):
        assert await ClusterAccess(gone).refusal() is None
