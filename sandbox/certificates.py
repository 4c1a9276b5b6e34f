"""Certificates for one environment, from an authority that is made for it and forgotten with it."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)
_LIFETIME = 30 * _DAY


class CertificateAuthority:
    """Signs certificates, all kept as PEM files in one folder."""

    def __init__(self, folder: Path, name: str = "Interlock sandbox") -> None:
        """Make the authority and write its certificate."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _distinguished(name)
        basic = x509.BasicConstraints(ca=True, path_length=0)
        unsigned = _certificate(self._name, self._name, self._key.public_key())
        signed = unsigned.add_extension(basic, critical=True).sign(self._key, hashes.SHA256())
        self.file = folder / f"{name.replace(' ', '-').lower()}-ca.pem"
        """What clients trust."""
        self.file.write_bytes(signed.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, organization: str = "Interlock") -> Path:
        """A PEM file with a private key and its certificate, good for this machine's loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = ipaddress.ip_address("127.0.0.1")
        hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(loopback)])
        unsigned = _certificate(_distinguished(name, organization), self._name, key.public_key())
        signed = unsigned.add_extension(hosts, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{name}.pem"
        file.touch(mode=0o600)
        # Java reads keys in PKCS 8 alone.
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + signed.public_bytes(Encoding.PEM))
        return file


def _distinguished(name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _LIFETIME)
    )
