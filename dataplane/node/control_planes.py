"""The control planes over HTTP: whichever answers; when one does not, the next is asked."""

from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from contract.clients import ClientsSeen
from contract.codec import UnknownRecordError
from contract.json_errors import UNREADABLE
from contract.renewed_context import RenewedContext
from contract.session import (
    NodeReport,
    RecordsAnswer,
    Registration,
    SessionAnswer,
    TopicChange,
    TopicChanges,
    TopicCreated,
    TopicDeleted,
)
from contract.shown import on_one_line
from upstream.tls import TlsContexts

T = TypeVar("T")

CALL_TIMEOUT = 2.0
"""Seconds for one call; less than half a lease, so that a second one can still renew it."""


class ControlPlanes:
    """Client of `/internal/v1`."""

    def __init__(self, urls: tuple[str, ...], token: str, tls: TlsContexts) -> None:
        """Ask the control planes at these URLs, with the secret that nodes share with them.

        Raises:
            UnusableCertificateError: there are URLs with https, and no context for them.
        """
        if any(url.startswith("https:") for url in urls):
            _ = tls.current()
        self._urls = urls
        self._current = 0
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {token}"},
            timeout=CALL_TIMEOUT,
            verify=RenewedContext.over(tls.current, is_server=False),
        )

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def register(self, node_id: str, incarnation: str) -> None:
        """Make this process the node of that id.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for.
        """
        body = Registration(incarnation=incarnation)
        await self._call("PUT", f"/internal/v1/nodes/{node_id}", body)

    async def records(self, after: int, wait: float) -> RecordsAnswer:
        """Records newer than `after`; waits up to `wait` seconds for one.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for.
            UnknownRecordError: the control plane is newer than this node.
        """
        path = f"/internal/v1/control/records?after={after}&wait={wait:g}"
        answer = await self._call("GET", path, None, patience=wait + CALL_TIMEOUT)
        return _read(answer, RecordsAnswer)

    async def session(self, node_id: str, report: NodeReport) -> SessionAnswer:
        """Report, and ask for a lease.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for.
            UnknownRecordError: the control plane is newer than this node.
        """
        answer = await self._call("POST", f"/internal/v1/nodes/{node_id}/session", report)
        return _read(answer, SessionAnswer)

    async def topic_changed(self, node_id: str, change: TopicCreated | TopicDeleted) -> None:
        """Tell that a client created or deleted a topic.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for.
        """
        method = "POST" if isinstance(change, TopicCreated) else "DELETE"
        await self._call(method, f"/internal/v1/nodes/{node_id}/topics", change)

    async def topics_changed(
        self, node_id: str, changes: tuple[TopicChange, ...], call_id: str
    ) -> None:
        """Tell what clients did, in its order; sent again with the same `call_id`, it counts once.

        What the control plane does not take of it, it notes in its own log.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for: all of it or none may be known.
                404 and 405: it is of an older release, and is told one by one.
        """
        body = TopicChanges(changes=changes, call_id=call_id)
        await self._call("POST", f"/internal/v1/nodes/{node_id}/topic-changes", body)

    async def clients_seen(self, node_id: str, seen: ClientsSeen) -> None:
        """Tell who the clients are.

        Raises:
            httpx.HTTPError: no answer, or not the one hoped for. 404 and 405: it is of an older
                release.
        """
        await self._call("PUT", f"/internal/v1/nodes/{node_id}/clients", seen)

    async def _call(
        self, method: str, path: str, body: msgspec.Struct | None, patience: float = CALL_TIMEOUT
    ) -> httpx.Response:
        asked = self._current
        url = self._urls[asked % len(self._urls)]
        try:
            answer = await self._http.request(
                method,
                url + path,
                content=None if body is None else msgspec.json.encode(body),
                headers={"content-type": "application/json"},
                timeout=patience,
            )
            _raise_for_status(answer)
        except httpx.HTTPError:
            if self._current == asked:
                self._current += 1
            raise
        return answer


def _raise_for_status(answer: httpx.Response) -> None:
    """As httpx does it, with what the control plane has to say.

    Raises:
        httpx.HTTPStatusError: the answer is an error.
    """
    if not answer.is_error:
        return
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    said = f"{answer.status_code} from {answer.url}: {on_one_line(detail)}"
    raise httpx.HTTPStatusError(said, request=answer.request, response=answer)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except UNREADABLE as error:
        raise UnknownRecordError(f"the control plane's answer cannot be read: {error}") from error
