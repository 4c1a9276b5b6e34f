"""What is shown to those who connect with TLS, and who they may be: from files that are renewed.

New connections get what the files hold now; those that there are keep what they were made with. A
file that cannot be used changes nothing, and is complained about once.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

import structlog
from cryptography import x509

from contract.certificates import (
    StoreNames,
    UnusableCertificateError,
    load_key_store,
    read_pem,
    trust,
)

CHECK = 1.0
"""Seconds between two looks at the files."""

ClientAuth: TypeAlias = Literal["NONE", "OPTIONAL", "REQUIRE"]

_VERIFY = {"NONE": ssl.CERT_NONE, "OPTIONAL": ssl.CERT_OPTIONAL, "REQUIRE": ssl.CERT_REQUIRED}

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class CertificateFiles:
    """PEM files, as variables name them."""

    prefix: str
    """What the variables' names begin with, as GATEWAY_SSL."""
    key_store: Path
    """Private key and certificate chain."""
    key_password: str
    trust_store: Path | None
    """Authorities of clients' certificates."""
    client_auth: ClientAuth

    def __post_init__(self) -> None:
        if self.client_auth != "NONE" and self.trust_store is None:
            raise ValueError(
                f"{self.prefix}_CLIENT_AUTH {self.client_auth} needs {self.names.trust_store}"
            )

    @property
    def names(self) -> StoreNames:
        """What the variables are called."""
        return StoreNames.of_variables(self.prefix)

    def __repr__(self) -> str:
        return f"CertificateFiles({self.key_store}, {self.trust_store})"


class ServerCertificate:
    """The context for the next connection."""

    def __init__(self, files: CertificateFiles) -> None:
        """Read the files.

        Raises:
            UnusableCertificateError: they cannot be used; the message names the variable.
        """
        self._files = files
        self._stamp = self._stamped()
        self.context = _context(files)
        self.ends_at = _end(files)
        """When the certificate is good no more."""

    async def run(self) -> None:
        """Follow the files until cancelled."""
        while True:
            await asyncio.sleep(CHECK)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Read the files again if they have changed."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.context = _context(self._files)
            self.ends_at = _end(self._files)
        except UnusableCertificateError as error:
            log.error("new certificate cannot be used, the old one stays", error=str(error))  # noqa: TRY400 - the message says it all
            return
        log.info("new certificate for new connections", file=str(self._files.key_store))

    def _stamped(self) -> tuple[object, ...]:
        return tuple(_state(f) for f in (self._files.key_store, self._files.trust_store) if f)


def _state(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ino, found.st_size


def _context(files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_key_store(context, files.key_store, files.key_password, files.names)
    if files.trust_store is not None:
        name = files.names.trust_store
        trust(context, read_pem(files.trust_store, name), name)
    context.verify_mode = _VERIFY[files.client_auth]
    return context


def _end(files: CertificateFiles) -> datetime:
    """Of the first certificate in a file that could be used."""
    return x509.load_pem_x509_certificates(files.key_store.read_bytes())[0].not_valid_after_utc
