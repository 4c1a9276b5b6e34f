"""Every way in for clients, with two libraries; what keeps them out; and what throws them out."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from contract import issuer_keys
from contract.records import Record, ServiceAccount
from contract.scram import SCRAM_MECHANISMS
from contract.sealing import Seal
from sandbox.certificates import CertificateAuthority
from sandbox.ports import Ports
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.logins import (
    PASSWORD,
    Issuer,
    account,
    aiokafka_sees,
    librdkafka_sees,
    stage_on,
    trusting,
)
from tests.dataplane.gateway.scripted import RawClient, eventually
from tests.environment.backends import Clusters

SEALING_KEY = base64.b64encode(b"s" * 32).decode()

pytestmark = pytest.mark.environment


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "jwks.json")


@pytest.fixture
async def secured(
    clusters: Clusters,
    gateway_ports: Ports,
    unique_name: str,
    tmp_path: Path,
    authority: CertificateAuthority,
    issuer: Issuer,
) -> AsyncIterator[Stage]:
    """SASL over TLS, with all mechanisms."""
    variables = {
        "GATEWAY_SECURITY_PROTOCOL": "SASL_SSL",
        "GATEWAY_SSL_KEY_STORE_PATH": authority.issue("gateway"),
        "INTERLOCK_SEALING_KEY": SEALING_KEY,
        **issuer.variables,
    }
    port = gateway_ports.gateway(0)
    async with stage_on(clusters, unique_name, port, tmp_path, **variables) as stage:
        yield stage


@pytest.fixture
async def keys_only(
    clusters: Clusters,
    gateway_ports: Ports,
    unique_name: str,
    tmp_path: Path,
    authority: CertificateAuthority,
) -> AsyncIterator[Stage]:
    """TLS, with certificates for log-ins."""
    variables = {
        "GATEWAY_SECURITY_PROTOCOL": "SSL",
        "GATEWAY_SSL_KEY_STORE_PATH": authority.issue("gateway"),
        "GATEWAY_SSL_TRUST_STORE_PATH": authority.file,
    }
    port = gateway_ports.gateway(0)
    async with stage_on(clusters, unique_name, port, tmp_path, **variables) as stage:
        yield stage


def of_librdkafka(authority: CertificateAuthority, mechanism: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(authority.file),
        "sasl.mechanism": mechanism,
    }


def of_aiokafka(authority: CertificateAuthority, mechanism: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": trusting(authority.file),
        "sasl_mechanism": mechanism,
    }


async def test_a_token_as_the_password_of_plain(secured: Stage, authority: CertificateAuthority):
    token = secured.token()
    rdkafka = {"sasl.username": "sa", "sasl.password": token}
    aiokafka = {"sasl_plain_username": "sa", "sasl_plain_password": token}
    await librdkafka_sees(secured, **of_librdkafka(authority, "PLAIN"), **rdkafka)
    await aiokafka_sees(secured, **of_aiokafka(authority, "PLAIN"), **aiokafka)


async def test_a_password_whose_verifiers_are_sealed(
    secured: Stage, authority: CertificateAuthority
):
    plain = account(secured, password=PASSWORD)

    def sealed(key: str) -> ServiceAccount:
        bound = Seal.of(key).seal(plain.vcluster, plain.name, plain.scram)
        return msgspec.structs.replace(plain, scram={}, sealed_scram=bound)

    login = of_aiokafka(authority, "SCRAM-SHA-512") | {
        "sasl_plain_username": f"sa@{secured.vcluster}",
        "sasl_plain_password": PASSWORD,
    }
    secured.record(sealed(base64.b64encode(b"another key, of somebody else...").decode()))
    with pytest.raises(KafkaError):
        await aiokafka_sees(secured, **login)
    secured.record(sealed(SEALING_KEY))
    await aiokafka_sees(secured, **login)


@pytest.mark.parametrize("mechanism", SCRAM_MECHANISMS)
async def test_a_password_by_scram(secured: Stage, authority: CertificateAuthority, mechanism: str):
    secured.record(account(secured, password=PASSWORD))
    user = f"sa@{secured.vcluster}"
    rdkafka = of_librdkafka(authority, mechanism) | {"sasl.username": user}
    aiokafka = of_aiokafka(authority, mechanism) | {"sasl_plain_username": user}
    await librdkafka_sees(secured, **rdkafka, **{"sasl.password": PASSWORD})
    await aiokafka_sees(secured, **aiokafka, sasl_plain_password=PASSWORD)
    with pytest.raises(KafkaException):
        await librdkafka_sees(secured, **rdkafka, **{"sasl.password": "wrong"})
    with pytest.raises(KafkaError):
        await aiokafka_sees(secured, **aiokafka, sasl_plain_password="wrong")


async def test_a_token_of_an_issuer(
    secured: Stage, authority: CertificateAuthority, issuer: Issuer
):
    secured.record(account(secured, "app-1"))
    rdkafka = of_librdkafka(authority, "OAUTHBEARER")
    aiokafka = of_aiokafka(authority, "OAUTHBEARER")
    await librdkafka_sees(secured, **rdkafka, token=issuer.token())
    await aiokafka_sees(secured, **aiokafka, token=issuer.token())
    with pytest.raises(KafkaException):
        await librdkafka_sees(secured, **rdkafka, token=issuer.token(aud="billing"))
    with pytest.raises(KafkaError):
        await aiokafka_sees(secured, **aiokafka, token=issuer.token("nobody"))


async def test_a_new_key_of_the_issuer_is_found_when_it_is_first_used(
    secured: Stage,
    authority: CertificateAuthority,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(issuer_keys, "MOST_OFTEN", 0.0)
    secured.record(account(secured, "app-1"))
    await eventually(lambda: secured.gateway.issuer_keys._keys)
    issuer.rotate("second")
    settings = of_aiokafka(authority, "OAUTHBEARER")
    await aiokafka_sees(secured, **settings, token=issuer.token())


async def test_keys_are_not_asked_for_again_and_again(
    secured: Stage, authority: CertificateAuthority, issuer: Issuer
):
    secured.record(account(secured, "app-1"))
    await eventually(lambda: secured.gateway.issuer_keys._keys)
    issuer.rotate("second")
    settings = of_aiokafka(authority, "OAUTHBEARER")
    with pytest.raises(KafkaError):
        await aiokafka_sees(secured, **settings, token=issuer.token())


async def test_a_certificate_is_the_account_with_its_subject(
    keys_only: Stage, authority: CertificateAuthority
):
    keys_only.record(account(keys_only, "CN=app,O=Example"))
    key = authority.issue("app", organization="Example")
    rdkafka = {
        "security.protocol": "SSL",
        "ssl.ca.location": str(authority.file),
        "ssl.certificate.location": str(key),
        "ssl.key.location": str(key),
    }
    await librdkafka_sees(keys_only, **rdkafka)
    context = trusting(authority.file, key)
    await aiokafka_sees(keys_only, security_protocol="SSL", ssl_context=context)


async def test_a_certificate_of_nobody_is_told_in_the_log(
    keys_only: Stage, authority: CertificateAuthority, capsys: pytest.CaptureFixture[str]
):
    context = trusting(authority.file, authority.issue("stranger"))
    with pytest.raises(KafkaError):
        await aiokafka_sees(keys_only, security_protocol="SSL", ssl_context=context)
    assert "no account has the external name CN=stranger,O=Interlock" in capsys.readouterr().out


async def test_a_certificate_of_another_authority_is_not_accepted(
    keys_only: Stage,
    authority: CertificateAuthority,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    other = CertificateAuthority(tmp_path, "somebody else")
    context = trusting(authority.file, other.issue("app"))
    with pytest.raises(KafkaError):
        await aiokafka_sees(keys_only, security_protocol="SSL", ssl_context=context)
    assert "no TLS with a client" in capsys.readouterr().out


@pytest.mark.parametrize("sent", [b"\0\0\0\x0a\0\x12\0\0\0\0\0\1\0\0", b"GET / HTTP/1.1\r\n\r\n"])
async def test_who_does_not_speak_tls_gets_one_clear_line(
    secured: Stage, sent: bytes, capsys: pytest.CaptureFixture[str]
):
    async with await RawClient.connect(secured.bootstrap) as client:
        client.send(sent)
        assert b"\0\x12" not in await client.reader.read()
    said = [line for line in capsys.readouterr().out.splitlines() if "no TLS" in line]
    assert len(said) == 1
    assert "it does not speak TLS, which this port wants" in said[0]


async def _shown(stage: Stage, authority: CertificateAuthority) -> bytes:
    host, port = stage.bootstrap.split(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=trusting(authority.file))
    shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = shown.getpeercert(binary_form=True)
    writer.transport.abort()
    assert certificate is not None
    return certificate


async def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(
    secured: Stage, authority: CertificateAuthority, capsys: pytest.CaptureFixture[str]
):
    first = await _shown(secured, authority)
    store = authority.issue("gateway")
    second = first
    async with asyncio.timeout(5):
        while second == first:
            second = await _shown(secured, authority)
    store.write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
    said = ""
    async with asyncio.timeout(5):
        while "the old one stays" not in said:
            await asyncio.sleep(0.05)
            said += capsys.readouterr().out
    assert await _shown(secured, authority) == second


async def _gone(stage: Stage, change: ServiceAccount | None) -> None:
    """All connections are cut as soon as the record is there."""
    (client,) = stage.gateway.connections
    if change is not None:
        stage.record(change)
    else:
        stage.seq += 1
        gone = Record(log="test", seq=stage.seq, key=f"vcluster/{stage.vcluster}", state=None)
        stage.control.apply(gone)
        stage.gateway.record_applied(gone)
    assert client.transport.is_closing()


@pytest.mark.parametrize("change", ["revoked", "password changed", "names changed", "deleted"])
async def test_connections_are_cut_when_their_proof_does_not_hold_any_more(
    clusters: Clusters,
    gateway_ports: Ports,
    unique_name: str,
    tmp_path: Path,
    authority: CertificateAuthority,
    issuer: Issuer,
    change: str,
):
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - one test alone needs it

    variables = {
        "GATEWAY_SECURITY_PROTOCOL": "SASL_SSL",
        "GATEWAY_SSL_KEY_STORE_PATH": authority.issue("gateway"),
        **issuer.variables,
    }
    port = gateway_ports.gateway(0)
    async with stage_on(clusters, unique_name, port, tmp_path, **variables) as stage:
        known = account(stage, "app-1", password=PASSWORD)
        stage.record(known)
        with_token = {
            **of_aiokafka(authority, "OAUTHBEARER"),
            "sasl_oauth_token_provider": _provider(issuer.token()),
        }
        with_password = {
            **of_aiokafka(authority, "SCRAM-SHA-512"),
            "sasl_plain_username": f"sa@{stage.vcluster}",
            "sasl_plain_password": PASSWORD,
        }
        settings = with_token if change == "names changed" else with_password
        producer = AIOKafkaProducer(bootstrap_servers=stage.bootstrap, **settings)
        await producer.start()
        after = {
            "revoked": ServiceAccount(vcluster=stage.vcluster, name="sa", revoked_at=1),
            "password changed": account(stage, "app-1", password=f"{PASSWORD}!"),
            "names changed": account(stage, "app-2", password=PASSWORD),
            "deleted": None,
        }[change]
        await _gone(stage, after)
        await producer.stop()


def _provider(token: str) -> Any:
    from tests.dataplane.gateway.logins import Provider  # noqa: PLC0415 - beside its use

    return Provider(token)
