"""Tokens for OAUTHBEARER: asked from a token endpoint, or read from a file that others renew."""

import asyncio
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

from contract.cluster_security import BearerToken
from contract.json_errors import UNREADABLE
from upstream.sasl.mechanism import LoginRefusedError

_TIMEOUT_S = 5.0
_USED_UP = 0.8
"""The part of a token's life after which the next log-in asks for a new one."""


class _Answer(msgspec.Struct):
    """RFC 6749, section 5.1."""

    access_token: str
    expires_in: float = 60.0


class TokenSource:
    """The tokens of one cluster."""

    def __init__(self, login: BearerToken) -> None:
        self._login = login
        self._token = ""
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """A token that is still good.

        Raises:
            LoginRefusedError: there is none to be had, and why.
        """
        if self._login.url.startswith("file:"):
            return self._from_file()
        async with self._asking:
            if monotonic() >= self._good_until:
                answer = await self._ask()
                self._token = answer.access_token
                self._good_until = monotonic() + _USED_UP * answer.expires_in
            return self._token

    def _from_file(self) -> str:
        path = Path(unquote(urlsplit(self._login.url).path))
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LoginRefusedError(f"cannot read the token in {path}: {error}") from None

    async def _ask(self) -> _Answer:
        """The client credentials grant (RFC 6749, section 4.4)."""
        login = self._login
        form = {"grant_type": "client_credentials"}
        if login.scope:
            form["scope"] = login.scope
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                answer = await client.post(
                    login.url, data=form, auth=(login.client_id, login.client_secret)
                )
                answer.raise_for_status()
                return msgspec.json.decode(answer.content, type=_Answer)
        except httpx.HTTPStatusError as error:
            raise LoginRefusedError(
                f"the token endpoint {login.url} answers {error.response.status_code}"
            ) from None
        except (httpx.HTTPError, *UNREADABLE) as error:
            raise LoginRefusedError(
                f"the token endpoint {login.url} gives no token: {error or type(error).__name__}"
            ) from None
