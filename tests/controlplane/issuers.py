"""A real OpenID Connect provider on loopback, and somebody who logs in to it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from sandbox.probe import HttpUp
from sandbox.process import wait_until
from tests.environment.free_port import free_port

USERS: dict[str, dict[str, Any]] = {
    "ann": {"roles": ["staff", "admin"]},
    "olga": {"roles": "operator"},
    "vic": {"roles": ["viewer"]},
    "kay": {"realm_access": {"roles": ["platform-team"]}},
    "eve": {"roles": ["staff"]},
    "joe": {"roles": ["admin"]},
}
"""And what the provider says of each in its tokens."""
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


@contextmanager
def provider(lifetime_s: int = 600) -> Iterator[Provider]:
    """A process of its own."""
    port = free_port()
    said = [f"--user-claims={json.dumps({'sub': name, **more})}" for name, more in USERS.items()]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "oidc_provider_mock", f"--port={port}", "--host=localhost"),
            f"--token-max-age={lifetime_s}",
            *said,
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(HttpUp(port, "/.well-known/openid-configuration"), "the provider answers", 60)
        yield Provider(f"http://localhost:{port}")
    finally:
        process.kill()
        process.wait()
