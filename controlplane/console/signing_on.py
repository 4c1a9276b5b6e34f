"""The way in by the issuer's log-in: to it, and back (OpenID Connect Core 1.0, section 3.1)."""

from typing import Annotated, Any, Final

import httpx
import structlog
from litestar import Request, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import QueryParameter
from litestar.response import Redirect, Template

from contract.issuer_tokens import BadTokenError
from contract.shown import quoted
from controlplane.api.access import address_of, note_access
from controlplane.api.issuer_tokens import claims_of, principal_of
from controlplane.api.tokens import epoch_seconds
from controlplane.console.logging_in import cookie, local, note_log_in, session_cookie
from controlplane.console.rendering import HEADERS, page
from controlplane.console.sessions import LIFETIME_BY_ISSUER_S, new_session_by_issuer
from controlplane.console.visitors import FOR_ALL
from controlplane.console.way import LIFETIME_S, Way, new_way, sealed, way_of
from controlplane.domain.accesses import Access
from controlplane.issuer import Issuer
from controlplane.plane import ControlPlane
from controlplane.users import Principal

WAY: Final = "interlock_sign_on"
"""Cookie of who is on the way."""
_BACK: Final = "/console/signed-on"

_logger = structlog.get_logger()
Asked = Request[Any, Any, Any]


@get("/console/sign-on", opt={FOR_ALL: True})
async def sign_on(
    request: Asked,
    plane: NamedDependency[ControlPlane],
    next_page: Annotated[str, QueryParameter(name="next")] = "/",
) -> Redirect:
    """Send the browser to the issuer."""
    issuer = _issuer(plane)
    way = new_way(local(next_page), epoch_seconds())
    try:
        there = await issuer.log_in_url(_back(request), way.state, way.nonce, way.challenge)
    except (OSError, httpx.HTTPError, ValueError) as error:
        raise HTTPException(
            f"the issuer of INTERLOCK_OIDC_ISSUER cannot be asked ({str(error) or type(error)}):"
            " log in with a password, or try again",
            status_code=502,
        ) from None
    kept = sealed(plane.settings.token_key, way)
    return Redirect(
        there, status_code=303, headers=HEADERS, cookies=[_cookie(request, kept, LIFETIME_S)]
    )


@get(_BACK, opt={FOR_ALL: True})
async def signed_on(request: Asked, plane: NamedDependency[ControlPlane]) -> Template:
    """Begin a session, if the issuer says who that is.

    The page that this is answered with goes on by itself: on a redirect that comes from another
    site browsers would not show the session's cookie, which is for pages of ours alone.
    """
    issuer, address, now = _issuer(plane), address_of(request), epoch_seconds()
    way = way_of(plane.settings.token_key, request.cookies.get(WAY, ""), now)
    try:
        principal = await _who(request, plane, issuer, way)
    except BadTokenError as bad:
        _logger.warning("console.sign_on_failed", address=address, reason=str(bad))
        note_access(request, Access("login_failed", "", address))
        return _over(request, "not_signed_on.html", 401, reason=str(bad))
    note_log_in(request, principal.username)
    session = new_session_by_issuer(plane.settings.token_key, principal, issuer.trust, now)
    shown = _over(request, "signed_on.html", 200, next=way.next if way is not None else "/")
    shown.cookies.append(session_cookie(request, session, LIFETIME_BY_ISSUER_S))
    return shown


async def _who(request: Asked, plane: ControlPlane, issuer: Issuer, way: Way | None) -> Principal:
    """Whom the issuer has let in.

    Raises:
        BadTokenError: nobody, or nobody who may do anything here.
    """
    answer = request.query_params
    if way is None or not way.matches(answer.get("state", "")):
        raise BadTokenError("the log-in was not begun in this browser, or took too long")
    code = answer.get("code")
    if not code:
        reason = quoted(answer.get("error", "it names no code"))
        raise BadTokenError(f"the issuer has let nobody in: {reason}")
    token = await issuer.token_for(code, _back(request), way.verifier)
    claims = await claims_of(plane, token, own=True)
    if claims.get("nonce") != way.nonce:
        raise BadTokenError("the issuer's token was made for another log-in")
    return principal_of(plane, claims)


def _issuer(plane: ControlPlane) -> Issuer:
    issuer = plane.settings.signs_on_at
    if issuer is None:
        raise NotFoundException("there is no INTERLOCK_OIDC_CLIENT_ID: users log in by password")
    return issuer


def _back(request: Asked) -> str:
    """Where the issuer sends the browser: to the host that it has come from."""
    return f"{request.url.scheme}://{request.url.netloc}{_BACK}"


def _over(request: Asked, template: str, status: int, **values: Any) -> Template:
    shown = page(request, template, status=status, **values)
    shown.cookies.append(_cookie(request, "", 0))
    return shown


def _cookie(request: Asked, value: str, max_age: int) -> Cookie:
    # It is shown on the way back, from the issuer's page.
    return cookie(request, WAY, value, max_age, path=_BACK, samesite="lax")
