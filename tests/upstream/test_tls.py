"""Certificates and keys towards clusters: which can be used, and what is said of the others."""

import os
from pathlib import Path

import pytest

from contract.certificates import UnusableCertificateError
from contract.cluster_security import TlsProperties
from contract.clusters_file import ClusterProperties, ClustersFileError
from sandbox.certificates import CertificateAuthority
from upstream.access import require_usable
from upstream.tls import TlsContexts, make_context


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def test_files_and_texts_are_understood(authority: CertificateAuthority):
    store = authority.issue("client")
    text = store.read_text()
    at = text.index("-----BEGIN CERTIFICATE")
    trusted = authority.file.read_text()
    make_context(TlsProperties(truststore_file=str(authority.file), keystore_file=str(store)))
    make_context(TlsProperties(truststore_pem=trusted, key_pem=text[:at], chain_pem=text[at:]))
    assert not list(Path("/tmp").glob("interlock-*.pem"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"ssl\.truststore\.location: cannot read .*: No such file"),
        (b"\xfe\xed\xfe\xed", r"is not PEM; a JKS or PKCS12 store can be converted with keytool"),
        (b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "ssl.truststore"),
    ],
)
def test_a_truststore_that_is_none_is_named(tmp_path: Path, content: bytes | None, says: str):
    file = tmp_path / "trust"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableCertificateError, match=says):
        make_context(TlsProperties(truststore_file=str(file)))


def test_a_keystore_without_a_key_is_named(authority: CertificateAuthority):
    with pytest.raises(
        UnusableCertificateError, match=r"ssl\.keystore\.location: .* does not hold"
    ):
        make_context(TlsProperties(keystore_file=str(authority.file)))


def test_a_renewed_file_is_read_and_a_broken_one_is_not(authority: CertificateAuthority):
    contexts = TlsContexts(TlsProperties(truststore_file=str(authority.file)))
    first = contexts.current()
    assert contexts.current() is first
    good = authority.file.read_text()
    authority.file.write_text(good)
    os.utime(authority.file, (1, 1))
    second = contexts.current()
    assert second is not first
    authority.file.write_text("broken")
    os.utime(authority.file, (2, 2))
    assert contexts.current() is second


def test_a_start_is_refused_with_file_cluster_and_property():
    properties = {
        "bootstrap.servers": "a:1",
        "security.protocol": "SSL",
        "ssl.truststore.location": "/nowhere.pem",
    }
    cluster = ClusterProperties(name="main", role="upstream", properties=properties)
    with pytest.raises(ClustersFileError) as refused:
        require_usable(Path("/config/clusters.yaml"), [cluster])
    assert str(refused.value).startswith(
        "/config/clusters.yaml: main: ssl.truststore.location: cannot read /nowhere.pem"
    )
