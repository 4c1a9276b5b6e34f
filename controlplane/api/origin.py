"""Where a call that changes something comes from: a browser is not to be another site's deputy.

Browsers send kept Basic credentials along with what any page posts. They also say where the page is
from, and pages cannot change that; programs say nothing of the kind.
"""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
NODES_ONLY: Final = "nodes_only"
"""Among a handler's `opt`: its callers show a token, which no browser keeps."""


def refuse_from_elsewhere(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Refuse a change that a browser sends for another site, or in a form that needs no consent.

    Raises:
        PermissionDeniedException: the page is not from this host.
        HTTPException: 415: there is a body for a call that wants JSON, and it is not JSON.
    """
    if connection.scope.get("method") in CHANGES_NOTHING or NODES_ONLY in handler.opt:
        return
    headers = connection.headers
    sites, origins = headers.getall("sec-fetch-site", []), headers.getall("origin", [])
    host = headers.get("host", "")
    if not _OWN_SITE.issuperset(sites) or not all(_is_here(one, host) for one in origins):
        raise PermissionDeniedException(
            "a browser sent this from a page of another site, by its Sec-Fetch-Site or Origin;"
            " changes are made from pages of this host, or by programs, which send neither"
        )
    if "data" in handler.parsed_fn_signature.parameters and not _is_json(connection):
        raise HTTPException(
            "the body is to be JSON, with Content-Type: application/json",
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def _is_here(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        there = (parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme))
        here = urlsplit(f"//{host}")
        ours = (here.hostname, here.port or _DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return False
    return parts.hostname is not None and there == ours


def _is_json(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Or nothing is said of it, by a program: a browser says at least where its page is from."""
    kind = connection.headers.get("content-type")
    return kind is None or kind.partition(";")[0].strip().lower() == "application/json"
