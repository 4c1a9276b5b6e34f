"""TLS towards brokers, from PEM files that may be renewed while the process runs."""

import os
import ssl
import tempfile
from pathlib import Path

from contract.cluster_security import TlsProperties

_BEGIN = b"-----BEGIN "
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class UnusableCertificateError(ValueError):
    """A certificate or key cannot be used; the message names the property and the file."""


class TlsContexts:
    """The context for one cluster, made anew when one of its files has changed."""

    def __init__(self, properties: TlsProperties) -> None:
        self._properties = properties
        self._kept: tuple[object, ssl.SSLContext] | None = None

    def current(self) -> ssl.SSLContext:
        """The context for a new connection; if the files are broken by now, the last good one.

        Raises:
            UnusableCertificateError: they were never good.
        """
        stamp = self._stamp()
        if self._kept is None or self._kept[0] != stamp:
            try:
                context = make_context(self._properties)
            except UnusableCertificateError:
                if self._kept is None:
                    raise
                context = self._kept[1]
            self._kept = (stamp, context)
        return self._kept[1]

    def _stamp(self) -> object:
        files = (self._properties.truststore_file, self._properties.keystore_file)
        return tuple(_modified(file) for file in files if file)


def make_context(properties: TlsProperties) -> ssl.SSLContext:
    """A client's context that trusts, and shows, what the properties say.

    Raises:
        UnusableCertificateError: a file or a PEM text is no good.
    """
    trusted = _pem("ssl.truststore.location", properties.truststore_file, properties.truststore_pem)
    try:
        context = ssl.create_default_context(cadata=trusted)
    except ssl.SSLError as error:
        raise UnusableCertificateError(f"ssl.truststore: {error.reason or error}") from None
    context.minimum_version = _VERSIONS[properties.lowest_version]
    context.check_hostname = properties.checks_host_name
    if properties.keystore_file is not None:
        _ = _pem("ssl.keystore.location", properties.keystore_file, None)
        _show(context, Path(properties.keystore_file), properties.key_password)
    elif properties.key_pem is not None and properties.chain_pem is not None:
        _show_text(context, properties.key_pem, properties.chain_pem, properties.key_password)
    return context


def _pem(name: str, file: str | None, text: str | None) -> str | None:
    if file is None:
        return text
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise UnusableCertificateError(f"{name}: cannot read {file}: {error.strerror}") from None
    if _BEGIN not in content:
        raise UnusableCertificateError(
            f"{name}: {file} is not PEM; a JKS or PKCS12 store can be converted with keytool"
            " -importkeystore to PKCS12, then openssl pkcs12 -nodes"
        )
    return content.decode(errors="replace")


def _show(context: ssl.SSLContext, file: Path, password: str | None) -> None:
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(file, password=password or "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise UnusableCertificateError(
            f"ssl.keystore.location: {file} does not hold a private key and its certificate, or"
            f" ssl.key.password is not the key's ({reason})"
        ) from None


def _show_text(context: ssl.SSLContext, key: str, chain: str, password: str | None) -> None:
    """Python reads keys from files alone, so there is one for a moment, for its owner only."""
    handle, name = tempfile.mkstemp(prefix="interlock-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{key}\n{chain}\n")
        _show(context, Path(name), password)
    except UnusableCertificateError:
        raise UnusableCertificateError(
            "ssl.keystore.key and ssl.keystore.certificate.chain are no private key and its"
            " certificate, or ssl.key.password is not the key's"
        ) from None
    finally:
        Path(name).unlink()


def _modified(file: str) -> tuple[str, int]:
    try:
        return file, Path(file).stat().st_mtime_ns
    except OSError:
        return file, 0
