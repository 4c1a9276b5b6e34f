"""The way to one physical cluster, for as long as the process runs."""

import asyncio
import secrets
import ssl
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from struct import Struct
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from contract.certificates import UnusableCertificateError
from contract.cluster_security import BearerToken, Password
from contract.clusters_file import ClusterProperties, ClustersFileError
from upstream.bearer import TokenSource
from upstream.login import Login
from upstream.sasl.mechanism import ClientMechanism, LoginRefusedError
from upstream.sasl.oauthbearer import OAuthBearerClient
from upstream.sasl.plain import PlainClient
from upstream.sasl.scram import PasswordKeys, ScramClient
from upstream.tls import TlsContexts

REQUEST_TIMEOUT_MS = 5000

_TRIAL_S = 3.0
_LENGTH = Struct(">i")


class ClusterAccess:
    """Certificates, credentials and tokens of one cluster, kept and renewed."""

    def __init__(self, cluster: ClusterProperties) -> None:
        self._cluster = cluster
        self._security = cluster.security
        tls, login = self._security.tls, self._security.login
        self._contexts = TlsContexts(tls) if tls is not None else None
        self._tokens = TokenSource(login) if isinstance(login, BearerToken) else None
        self._keys = PasswordKeys(login) if isinstance(login, Password) else None

    @property
    def name(self) -> str:
        """The cluster's name in `clusters.yaml`."""
        return self._cluster.name

    def tls_context(self) -> ssl.SSLContext | None:
        """What to make a new connection with; None for plain text.

        Raises:
            UnusableCertificateError: a certificate or key is no good.
        """
        return self._contexts.current() if self._contexts is not None else None

    async def login(self) -> Login | None:
        """The log-in for a new connection; None if the cluster wants none.

        Raises:
            LoginRefusedError: there is no token to be had.
        """
        mechanism = await self._mechanism()
        return Login(mechanism) if mechanism is not None else None

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes.

        Raises:
            UnusableCertificateError: a certificate or key is no good.
        """
        login = self._security.login
        options: dict[str, Any] = {
            "bootstrap_servers": self._cluster.bootstrap_servers,
            "security_protocol": self._security.protocol,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
        }
        if self._contexts is not None:
            options["ssl_context"] = self._contexts.current()
        if isinstance(login, Password):
            options |= {
                "sasl_mechanism": login.mechanism,
                "sasl_plain_username": login.username,
                "sasl_plain_password": login.password,
            }
        elif self._tokens is not None:
            options |= {
                "sasl_mechanism": "OAUTHBEARER",
                "sasl_oauth_token_provider": _TokenProvider(self._tokens),
            }
        return options

    async def refusal(self) -> str | None:
        """Try to get in, and say what keeps us out; None if we get in, or if nobody answers.

        aiokafka says of a refused log-in, or of a certificate that is not trusted, only that it
        could not bootstrap.
        """
        for host, port in self.servers():
            try:
                async with asyncio.timeout(_TRIAL_S):
                    await self._try(host, port)
            except LoginRefusedError as error:
                return f"{host}:{port} refuses the log-in{self._as_whom()}: {error}"
            except ssl.SSLError as error:
                return f"no TLS with {host}:{port}: {_reason(error)}"
            except (OSError, TimeoutError, EOFError):
                continue
            return None
        return None

    async def _try(self, host: str, port: int) -> None:
        context = self.tls_context()
        login = await self.login()
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            request = login.begin() if login is not None else None
            while login is not None and request is not None:
                writer.write(_LENGTH.pack(len(request)) + request)
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                request = login.answered(await reader.readexactly(length))
        finally:
            writer.transport.abort()

    async def _mechanism(self) -> ClientMechanism | None:
        login = self._security.login
        if self._tokens is not None:
            return OAuthBearerClient(await self._tokens.token())
        if not isinstance(login, Password) or self._keys is None:
            return None
        if login.mechanism == "PLAIN":
            return PlainClient(login)
        return ScramClient(login, self._keys, secrets.token_urlsafe(24))

    def servers(self) -> Iterator[tuple[str, int]]:
        """Hosts and ports of `bootstrap.servers`."""
        for server in self._cluster.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            if port.isdigit():
                yield host.strip("[]"), int(port)

    def _as_whom(self) -> str:
        login = self._security.login
        if isinstance(login, Password):
            return f" of {login.username} with {login.mechanism}"
        return " with OAUTHBEARER"


def require_usable(file: Path, clusters: Iterable[ClusterProperties]) -> None:
    """Make sure that the certificates and keys of the clusters can be used.

    Raises:
        ClustersFileError: one cannot; the message names the cluster, the property and the file.
    """
    for cluster in clusters:
        try:
            access_to(cluster).tls_context()
        except UnusableCertificateError as error:
            raise ClustersFileError(f"{file}: {cluster.name}: {error}") from None


class _TokenProvider(AbstractTokenProvider):  # type: ignore[misc] # aiokafka has no types
    """Our tokens, as aiokafka asks for them."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens

    async def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - its annotation is wrong
        """A token that is still good.

        Raises:
            KafkaConnectionError: there is none to be had; aiokafka expects no other error.
        """
        try:
            return await self._tokens.token()
        except LoginRefusedError as error:
            raise KafkaConnectionError(str(error)) from error


def access_to(cluster: ClusterProperties) -> ClusterAccess:
    """The access to a cluster; the same one each time, for it keeps what is dear to make.

    Raises:
        UnusablePropertyError: a property cannot be honoured.
    """
    return _access(cluster.name, cluster.role, tuple(sorted(cluster.properties.items())))


@cache
def _access(name: str, role: Any, properties: tuple[tuple[str, str], ...]) -> ClusterAccess:
    return ClusterAccess(ClusterProperties(name=name, role=role, properties=dict(properties)))


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return (error.reason or "handshake failed").replace("_", " ").lower()
