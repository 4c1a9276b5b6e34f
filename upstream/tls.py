"""TLS towards brokers and control planes, from PEM files that may be renewed meanwhile."""

import os
import ssl
import tempfile
from pathlib import Path
from typing import Final

from contract.certificates import (
    StoreNames,
    UnusableCertificateError,
    load_key_store,
    read_pem,
    trust,
)
from contract.cluster_security import TlsProperties

KAFKA_NAMES: Final = StoreNames(
    "ssl.truststore.location", "ssl.keystore.location", "ssl.key.password"
)
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class TlsContexts:
    """The context for those who are met alike, made anew when one of its files has changed."""

    def __init__(self, properties: TlsProperties, names: StoreNames = KAFKA_NAMES) -> None:
        self._properties = properties
        self._names = names
        self._kept: tuple[object, ssl.SSLContext] | None = None

    def current(self) -> ssl.SSLContext:
        """The context for a new connection; if the files are broken by now, the last good one.

        Raises:
            UnusableCertificateError: they were never good.
        """
        stamp = self._stamp()
        if self._kept is None or self._kept[0] != stamp:
            try:
                context = make_context(self._properties, self._names)
            except UnusableCertificateError:
                if self._kept is None:
                    raise
                context = self._kept[1]
            self._kept = (stamp, context)
        return self._kept[1]

    def _stamp(self) -> object:
        files = (self._properties.truststore_file, self._properties.keystore_file)
        return tuple(_modified(file) for file in files if file)


def tls_with_control_planes(
    trust_store: Path | None, key_store: Path | None, key_password: str
) -> TlsContexts:
    """How whoever calls control planes meets them, by the variables INTERLOCK_*.

    Args:
        trust_store: INTERLOCK_TRUST_STORE_PATH; None: the system's authorities.
        key_store: INTERLOCK_KEY_STORE_PATH; None: the caller shows no certificate.
        key_password: INTERLOCK_KEY_STORE_PASSWORD.
    """
    properties = TlsProperties(
        truststore_file=str(trust_store) if trust_store is not None else None,
        keystore_file=str(key_store) if key_store is not None else None,
        key_password=key_password,
    )
    return TlsContexts(properties, StoreNames.of_variables("INTERLOCK"))


def make_context(properties: TlsProperties, names: StoreNames = KAFKA_NAMES) -> ssl.SSLContext:
    """A client's context that trusts, and shows, what the properties say.

    Args:
        properties: what they say; without authorities, those of the system are trusted.
        names: what the settings of the files are called.

    Raises:
        UnusableCertificateError: a file or a PEM text is no good.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities = properties.truststore_pem
    if properties.truststore_file is not None:
        authorities = read_pem(properties.truststore_file, names.trust_store)
    if authorities is None:
        context.load_default_certs()
    else:
        trust(context, authorities, names.trust_store)
    context.minimum_version = _VERSIONS[properties.lowest_version]
    context.check_hostname = properties.checks_host_name
    password = properties.key_password or ""
    if properties.keystore_file is not None:
        load_key_store(context, properties.keystore_file, password, names)
    elif properties.key_pem is not None and properties.chain_pem is not None:
        _show_text(context, properties.key_pem, properties.chain_pem, password)
    return context


def _show_text(context: ssl.SSLContext, key: str, chain: str, password: str) -> None:
    """Python reads keys from files alone, so there is one for a moment, for its owner only."""
    handle, name = tempfile.mkstemp(prefix="interlock-", suffix=".pem")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{key}\n{chain}\n")
        load_key_store(context, name, password, KAFKA_NAMES)
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
