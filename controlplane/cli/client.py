"""Talking to a control plane from the command line."""

import json
import ssl
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import httpx
from cyclopts import Parameter

from contract.certificates import UnusableCertificateError
from contract.shown import on_one_line
from upstream.tls import tls_with_control_planes

_TIMEOUT_S = 60.0


class Exit(IntEnum):
    """What the process says when it ends; scripts rely on it."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    ABORTED = 3
    TIMEOUT = 4
    UNREACHABLE = 5


@Parameter(name="*")
@dataclass(frozen=True)
class Connection:
    """Where the control plane is, who asks, and how to show the answer."""

    url: Annotated[str, Parameter(env_var="INTERLOCK_URL")] = "http://localhost:8888"
    """Address of any control plane."""
    user: Annotated[str, Parameter(env_var="INTERLOCK_USER")] = "admin"
    """Who asks."""
    password: Annotated[str, Parameter(env_var="INTERLOCK_PASSWORD", show_default=False)] = ""
    """The password; better in the environment than on the command line."""
    token: Annotated[str, Parameter(env_var="INTERLOCK_TOKEN", show_default=False)] = ""
    """A token of the issuer that the control plane trusts, in the place of user and password."""
    trust_store: Annotated[Path | None, Parameter(env_var="INTERLOCK_TRUST_STORE_PATH")] = None
    """PEM file with the authorities of the control plane's certificate; default: the system's."""
    key_store: Annotated[Path | None, Parameter(env_var="INTERLOCK_KEY_STORE_PATH")] = None
    """PEM file with the private key and the certificate to show, if the control plane wants one."""
    key_store_password: Annotated[
        str, Parameter(env_var="INTERLOCK_KEY_STORE_PASSWORD", show_default=False)
    ] = ""
    """Password of that private key; better in the environment than on the command line."""
    output: Annotated[Literal["table", "json"], Parameter(name=["--output", "-o"])] = "table"
    """For people, or for scripts."""

    def get(self, path: str, **params: Any) -> Any:
        """What is at a path of the API."""
        wanted = {key: value for key, value in params.items() if value is not None}
        return self._ask("GET", path, params=wanted)

    def text(self, path: str, **params: str) -> str:
        """The page at a path of the API, as it is."""
        return self._request("GET", path, params=params).text

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Have something done."""
        return self._ask("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Any) -> Any:
        """Lay something down, in the place of what was there."""
        return self._ask("PUT", path, json=body)

    def delete(self, path: str) -> None:
        """Remove something."""
        self._ask("DELETE", path)

    def stream(self, path: str) -> Iterator[dict[str, Any]]:
        """Server-sent events, as they come."""
        try:
            with (
                self._client() as client,
                client.stream("GET", path, timeout=_TIMEOUT_S) as answer,
            ):
                if answer.is_error:
                    answer.read()
                    _refuse(answer)
                for line in answer.iter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))
        except httpx.TransportError as error:
            self._unreachable(error)

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        answer = self._request(method, path, **request)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            with self._client() as client:
                answer = client.request(method, path, **request)
        except httpx.TransportError as error:
            self._unreachable(error)
        if answer.is_error:
            _refuse(answer)
        return answer

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            auth=_Bearer(self.token) if self.token else (self.user, self.password),
            timeout=_TIMEOUT_S,
            verify=self._tls() if self.url.startswith("https:") else True,
        )

    def _tls(self) -> ssl.SSLContext:
        try:
            tls = tls_with_control_planes(self.trust_store, self.key_store, self.key_store_password)
            return tls.current()
        except UnusableCertificateError as error:
            fail(str(error), Exit.USAGE)

    def _unreachable(self, error: httpx.TransportError) -> NoReturn:
        if self.url.startswith("https:") and (refused := _tls_refused(error)) is not None:
            fail(f"no TLS with the control plane at {self.url}: {refused}", Exit.UNREACHABLE)
        fail(
            f"no control plane answers at {self.url} ({error}): set INTERLOCK_URL or --url",
            Exit.UNREACHABLE,
        )


class _Bearer(httpx.Auth):
    """Shows a token (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


HERE = Connection()


def fail(message: str, code: Exit) -> NoReturn:
    """Say what is wrong and end."""
    sys.stderr.write(f"interlock: {message}\n")
    sys.exit(code)


def _tls_refused(error: httpx.TransportError) -> str | None:
    """What either side has against the other's certificate; None: it is something else."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return (
            f"its certificate is not trusted ({cause.verify_message}): name its authority with"
            " INTERLOCK_TRUST_STORE_PATH or --trust-store"
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return (
            f"it ends the connection ({on_one_line(str(error))}): if it wants a certificate, name"
            " one with INTERLOCK_KEY_STORE_PATH or --key-store"
        )
    return None


def _refuse(answer: httpx.Response) -> NoReturn:
    try:
        message = answer.json()["detail"]
    except (ValueError, KeyError):
        message = f"the control plane answered {answer.status_code}"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        message += ": set INTERLOCK_USER and INTERLOCK_PASSWORD, or INTERLOCK_TOKEN"
    fail(on_one_line(message), Exit.REFUSED)
