"""The issuer's keys over HTTP: kept, renewed, and not asked for by whoever makes up key ids."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contract import issuer_keys
from contract.issuer_keys import IssuerKeys
from contract.issuer_tokens import UnknownKeyError
from tests.dataplane.gateway.logins import Issuer
from tests.dataplane.gateway.scripted import eventually
from tests.upstream.http_server import WebServer, web_server


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[WebServer]:
    issuer = Issuer(tmp_path / "jwks.json")
    async with web_server(issuer.file.read_bytes()) as serving:
        yield serving


@asynccontextmanager
async def following(url: str) -> AsyncIterator[IssuerKeys]:
    keys = IssuerKeys(url, refresh=600)
    running = asyncio.ensure_future(keys.run())
    yield keys
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_keys_are_read_at_the_start(web: WebServer):
    async with following(web.url) as keys:
        await eventually(lambda: keys._keys)
        assert [key.key_id for key in keys.of("first")] == ["first"]
        with pytest.raises(UnknownKeyError):
            keys.of("second")


async def test_made_up_key_ids_do_not_reach_the_issuer(web: WebServer):
    async with following(web.url) as keys:
        await eventually(lambda: keys._keys)
        assert [keys.wait_for_newer(lambda: None) for _ in range(100)] == [False] * 100
        assert len(web.asked) == 1


async def test_who_waits_is_called_back_even_if_the_issuer_is_gone(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(issuer_keys, "MOST_OFTEN", 0.0)
    async with following(web.url) as keys:
        await eventually(lambda: keys._keys)
        web.status = "500 Internal Server Error"
        told = asyncio.Event()
        assert keys.wait_for_newer(told.set)
        async with asyncio.timeout(5):
            await told.wait()
        assert keys.of("first")
    assert "cannot read the OAuth issuer's keys" in capsys.readouterr().out
