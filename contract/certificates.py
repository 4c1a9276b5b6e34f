"""Keys and certificates in PEM files, and what is wrong with a file that cannot be used."""

import ssl
from pathlib import Path
from typing import Final, NamedTuple, Self

_BEGIN: Final = "-----BEGIN "


class UnusableCertificateError(ValueError):
    """A certificate or key cannot be used; the message names the setting and the file."""


class StoreNames(NamedTuple):
    """What the settings are called that name the files: complaints begin with it."""

    trust_store: str
    key_store: str
    key_password: str

    @classmethod
    def of_variables(cls, prefix: str) -> Self:
        """Of environment variables, as GATEWAY_SSL."""
        return cls(
            f"{prefix}_TRUST_STORE_PATH", f"{prefix}_KEY_STORE_PATH", f"{prefix}_KEY_STORE_PASSWORD"
        )


def read_pem(file: str | Path, name: str) -> str:
    """What a file holds.

    Args:
        file: should be PEM.
        name: of the setting that names it.

    Raises:
        UnusableCertificateError: it cannot be read, or is of another kind.
    """
    try:
        content = Path(file).read_text(errors="replace")
    except OSError as error:
        raise UnusableCertificateError(f"{name}: cannot read {file}: {error.strerror}") from None
    if _BEGIN not in content:
        raise UnusableCertificateError(
            f"{name}: {file} is not PEM; a JKS or PKCS12 store can be converted with keytool"
            " -importkeystore to PKCS12, then openssl pkcs12 -nodes"
        )
    return content


def load_key_store(
    context: ssl.SSLContext, file: str | Path, password: str, names: StoreNames
) -> None:
    """Show what a file holds in handshakes: a private key and its certificate chain.

    Args:
        context: of those handshakes.
        file: in PEM.
        password: of the private key; empty if it has none.
        names: what the settings are called.

    Raises:
        UnusableCertificateError: it does not hold that, or the password is another one.
    """
    _ = read_pem(file, names.key_store)
    try:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(file, password=password)
    except (OSError, ValueError) as error:
        raise UnusableCertificateError(
            f"{names.key_store}: {file} does not hold a private key and its certificate, or"
            f" {names.key_password} is not the key's ({_said(error)})"
        ) from None


def trust(context: ssl.SSLContext, authorities: str, name: str) -> None:
    """Let an authority's certificates be good in handshakes.

    Args:
        context: of those handshakes.
        authorities: their certificates, in PEM.
        name: of the setting that names them.

    Raises:
        UnusableCertificateError: they are none.
    """
    try:
        context.load_verify_locations(cadata=authorities)
    except (OSError, ValueError) as error:
        raise UnusableCertificateError(
            f"{name}: no certificates of authorities ({_said(error)})"
        ) from None


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate or key found").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)
