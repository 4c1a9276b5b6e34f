"""What clients are shown in the handshake follows its files, and when it ends is known."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.server_certificate import CertificateFiles, ServerCertificate
from sandbox.certificates import CertificateAuthority


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


@pytest.fixture
def files(authority: CertificateAuthority) -> CertificateFiles:
    return CertificateFiles(
        prefix="GATEWAY_SSL",
        key_store=authority.issue("renewed"),
        key_password="",
        trust_store=None,
        client_auth="NONE",
    )


def test_its_end_is_that_of_the_file_that_is_in_use(
    files: CertificateFiles, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
):
    certificate = ServerCertificate(files)
    left = certificate.ends_at - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)

    monkeypatch.setattr("sandbox.certificates._LIFETIME", timedelta(days=60))
    authority.issue("renewed")
    certificate.look()
    assert certificate.ends_at - datetime.now(UTC) > timedelta(days=59)

    ends_at = certificate.ends_at
    Path(files.key_store).write_text("broken")
    certificate.look()
    assert certificate.ends_at == ends_at, "the old one stays"
