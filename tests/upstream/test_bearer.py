"""Tokens towards clusters: asked for once, kept, renewed; and what is said if there is none."""

import base64
from pathlib import Path

import pytest

from contract.cluster_security import BearerToken
from tests.upstream.http_server import web_server
from upstream.bearer import TokenSource
from upstream.sasl.mechanism import LoginRefusedError


async def test_an_endpoint_is_asked_with_the_client_s_credentials_and_not_too_often():
    async with web_server(b'{"access_token":"one","expires_in":300}') as web:
        login = BearerToken(url=web.url, client_id="id", client_secret="s:e", scope="kafka")
        source = TokenSource(login)
        assert [await source.token() for _ in range(3)] == ["one"] * 3
        (asked,) = web.asked
        assert base64.b64encode(b"id:s:e") in asked
        assert b"grant_type=client_credentials&scope=kafka" in asked


async def test_a_token_that_is_nearly_over_is_not_used():
    async with web_server(b'{"access_token":"one","expires_in":0}') as web:
        source = TokenSource(BearerToken(url=web.url, client_id="a", client_secret="b"))
        await source.token()
        web.document = b'{"access_token":"two","expires_in":300}'
        assert await source.token() == "two"


@pytest.mark.parametrize(
    ("status", "document", "says"),
    [("401 Unauthorized", b"", "answers 401"), ("200 OK", b"<html>", "gives no token")],
)
async def test_an_endpoint_that_gives_none_is_named(status: str, document: bytes, says: str):
    async with web_server(document) as web:
        web.status = status
        source = TokenSource(BearerToken(url=web.url, client_id="id", client_secret="secret"))
        with pytest.raises(LoginRefusedError, match=says) as refused:
            await source.token()
        assert "secret" not in str(refused.value)


async def test_nobody_at_the_endpoint_is_told():
    source = TokenSource(BearerToken(url="http://127.0.0.1:1/", client_id="a", client_secret="b"))
    with pytest.raises(LoginRefusedError, match="gives no token"):
        await source.token()


async def test_a_file_is_read_each_time(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("one\n")
    source = TokenSource(BearerToken(url=file.as_uri()))
    assert await source.token() == "one"
    file.write_text("two")
    assert await source.token() == "two"
    file.unlink()
    with pytest.raises(LoginRefusedError, match="cannot read the token in"):
        await source.token()
