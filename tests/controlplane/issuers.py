"""A real OpenID Connect provider on loopback, and somebody who logs in to it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.controlplane.conftest import eventually, free_port

CLIENT = "interlock"
RETURN = "http://localhost/returned"


@dataclass(frozen=True)
class Provider:
    """Knows users, and signs who they are."""

    url: str

    @property
    def variables(self) -> dict[str, str]:
        """What a control plane is told of it."""
        return {"INTERLOCK_OIDC_ISSUER": self.url, "INTERLOCK_OIDC_AUDIENCES": CLIENT}

    async def token(self, user: str, *, client_id: str = CLIENT) -> str:
        """The ID token that somebody gets who logs in (OpenID Connect Core, section 3.1)."""
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": RETURN,
            "scope": "openid",
        }
        async with httpx.AsyncClient(base_url=self.url) as browser:
            sent_back = await browser.post("/oauth2/authorize", params=asked, data={"sub": user})
            (code,) = parse_qs(urlsplit(sent_back.headers["location"]).query)["code"]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN}
            answer = await browser.post("/oauth2/token", data=given, auth=(client_id, "secret"))
        return str(answer.json()["id_token"])


@asynccontextmanager
async def provider(
    users: dict[str, dict[str, Any]], lifetime_s: int = 600
) -> AsyncIterator[Provider]:
    """One with these users, and what it says of each in its tokens."""
    port = free_port()
    said = [f"--user-claims={json.dumps({'sub': name, **more})}" for name, more in users.items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "oidc_provider_mock", f"--port={port}", "--host=localhost"),
        f"--token-max-age={lifetime_s}",
        *said,
        stderr=asyncio.subprocess.DEVNULL,
    )
    found = Provider(f"http://localhost:{port}")
    try:
        await eventually(found_at(found.url))
        yield found
    finally:
        process.kill()
        await process.wait()


def found_at(url: str) -> Any:
    async def is_there() -> bool:
        async with httpx.AsyncClient() as client:
            try:
                answer = await client.get(f"{url}/.well-known/openid-configuration")
            except httpx.HTTPError:
                return False
        return answer.status_code == HTTPStatus.OK

    return is_there
