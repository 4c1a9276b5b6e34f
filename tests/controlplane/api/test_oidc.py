"""Users of the administration API who show a token of an OpenID Connect provider, a real one."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.controlplane.conftest import Running, eventually, in_process
from tests.controlplane.issuers import CLIENT, Provider, provider

pytestmark = pytest.mark.environment

LOOK, CREATE = "/api/v1/switches", "/api/v1/virtual-clusters"


@pytest.fixture
async def plane(variables, issuer: Provider) -> AsyncIterator[Running]:
    async with in_process(variables | issuer.variables) as running:
        yield running


async def with_token(
    plane: Running, token: str, method: str = "GET", path: str = LOOK
) -> httpx.Response:
    body = {"name": "acme"} if method == "POST" else None
    async with httpx.AsyncClient(base_url=plane.url) as client:
        headers = {"authorization": f"Bearer {token}"}
        return await client.request(method, path, json=body, headers=headers)


async def test_a_token_gives_the_role_that_it_names(plane: Running, issuer: Provider):
    may = {"ann": (200, 201), "olga": (200, 403), "vic": (200, 403)}
    for name, statuses in may.items():
        token = await issuer.token(name)
        looked = await with_token(plane, token)
        created = await with_token(plane, token, "POST", CREATE)
        assert (looked.status_code, created.status_code) == statuses, name
    events = (await plane.client.get("/api/v1/events")).json()["items"]
    created = [e["actor"] for e in events if e["kind"] == "vcluster.created"]
    assert created == ["user:ann"]


async def test_who_has_no_role_here_is_told_what_would_give_one(plane: Running, issuer: Provider):
    answer = await with_token(plane, await issuer.token("eve"))
    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "the token of eve gives no role: its claim roles names none of admin, operator, viewer"
    )


async def test_a_name_that_has_a_password_here_is_nobody_elses(plane: Running, issuer: Provider):
    answer = await with_token(plane, await issuer.token("joe"))
    assert answer.status_code == 401
    assert "joe is the name of a user with a password here" in answer.json()["detail"]


async def test_words_of_the_issuer_are_mapped_to_roles(variables, issuer: Provider):
    told = {
        "INTERLOCK_OIDC_ROLE_CLAIM": "realm_access.roles",
        "INTERLOCK_OIDC_ROLES": "{platform-team: admin}",
    }
    async with in_process(variables | issuer.variables | told) as plane:
        created = await with_token(plane, await issuer.token("kay"), "POST", CREATE)
        refused = await with_token(plane, await issuer.token("ann"))
    assert (created.status_code, refused.status_code) == (201, 403)


async def test_tokens_that_are_not_good_are_refused_and_told(plane: Running, issuer: Provider):
    own = rsa.generate_private_key(65537, 2048)
    now = int(time.time())  # noqa: TID251 - a token's times are of the wall clock
    claims = {"iss": issuer.url, "aud": CLIENT, "sub": "ann", "roles": "admin", "exp": now + 600}
    bad = {
        "nonsense": "not a JSON Web Token",
        jwt.encode(claims, own, "RS256"): "was not signed by the issuer",
        jwt.encode(claims, own, "RS256", {"kid": "made-up"}): "a key that its issuer does not pub",
        jwt.encode(claims, None, "none"): "do not fit",
        jwt.encode(claims, "secret" * 8, "HS256"): "do not fit",
        await issuer.token("ann", client_id="another"): "Audience doesn't match",
    }
    for token, said in bad.items():
        answer = await with_token(plane, token)
        assert answer.status_code == 401
        assert said in answer.json()["detail"]
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert token not in answer.text

    async def are_events() -> bool:
        events = (await plane.client.get("/api/v1/events?kind=access")).json()["items"]
        return any(event["kind"] == "access.login_failed" for event in events)

    await eventually(are_events)


async def test_a_token_is_good_until_it_ends(variables):
    with provider(lifetime_s=-60) as issuer:
        async with in_process(variables | issuer.variables) as plane:
            answer = await with_token(plane, await issuer.token("ann"))
    assert (answer.status_code, answer.json()["detail"]) == (401, "the token has expired")


async def test_while_the_issuer_is_away_passwords_are_good(variables, issuer: Provider):
    gone = issuer.variables | {"INTERLOCK_OIDC_ISSUER": "http://localhost:1"}
    async with in_process(variables | gone) as plane:
        assert (await plane.client.get(LOOK)).status_code == 200
        answer = await with_token(plane, await issuer.token("ann"))
    assert answer.status_code == 401


async def test_without_an_issuer_no_token_is_taken(variables, issuer: Provider):
    async with in_process(variables) as plane:
        answer = await with_token(plane, await issuer.token("ann"))
    assert (answer.status_code, "no INTERLOCK_OIDC_ISSUER" in answer.text) == (401, True)


async def test_the_command_line_shows_a_token(plane: Running, issuer: Provider):
    async def listed(token: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "interlock", "vcluster", "list", "-o", "json"),
            env={"INTERLOCK_URL": plane.url, "INTERLOCK_TOKEN": token},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    code, output, errors = await listed(await issuer.token("vic"))
    assert (code, json.loads(output)["items"], errors) == (0, [], "")
    code, output, errors = await listed("nonsense")
    assert (code, output) == (1, "")
    assert errors == (
        "interlock: the token is not a JSON Web Token: set INTERLOCK_USER and INTERLOCK_PASSWORD,"
        " or INTERLOCK_TOKEN\n"
    )
