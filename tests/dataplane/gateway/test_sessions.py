"""Sessions end with what was shown, and go on if it is shown anew (KIP-368)."""

import asyncio
import struct
from datetime import UTC, datetime
from time import monotonic

import pytest

from dataplane.gateway import gateway as gateway_module
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.scripted import (
    AUTHENTICATE,
    FETCH,
    FETCH_4,
    FETCH_4_ANSWER,
    HANDSHAKE,
    RawClient,
    ScriptedBroker,
    request,
)

PLAIN = struct.pack(">h5s", 5, b"PLAIN")


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


async def log_in(client: RawClient, token: str, user: str = "sa") -> tuple[int, int]:
    """Error code and session lifetime in milliseconds of SaslAuthenticate version 1."""
    client.send(request(HANDSHAKE, 1, 50, PLAIN))
    assert (await client.receive())[1][:2] == b"\0\0"
    credentials = f"\0{user}\0{token}".encode()
    body = struct.pack(">i", len(credentials)) + credentials
    client.send(request(AUTHENTICATE, 1, 51, body))
    answer = (await client.receive())[1]
    code, length = struct.unpack_from(">hh", answer)
    (lifetime,) = struct.unpack_from(">q", answer, 8 + max(length, 0))
    return code, lifetime


async def fetches(client: RawClient, broker: ScriptedBroker, correlation_id: int) -> bool:
    """Whether a request gets through."""
    client.send(request(FETCH, 4, correlation_id, FETCH_4))
    (await broker.next()).answer(FETCH_4_ANSWER)
    return (await client.receive())[0] == correlation_id


async def test_a_session_lasts_as_long_as_its_token(scripted: Stage):
    async with await RawClient.connect(scripted.bootstrap) as client:
        code, lifetime = await log_in(client, scripted.token(exp=_now() + 60))
        assert code == 0
        assert 55_000 < lifetime <= 60_000


async def test_who_authenticates_again_stays(scripted: Stage, broker: ScriptedBroker):
    async with await RawClient.connect(scripted.bootstrap) as client:
        await log_in(client, scripted.token(exp=_now() + 60))
        assert await fetches(client, broker, 10)
        (connection,) = scripted.gateway.connections
        before = connection.session_ends
        code, lifetime = await log_in(client, scripted.token(exp=_now() + 600))
        assert (code, lifetime > 500_000) == (0, True)
        assert connection.session_ends > before
        assert await fetches(client, broker, 11)


@pytest.mark.parametrize("claims", [{"username": "other"}, {"exp": 1}])
async def test_who_fails_to_is_out(
    scripted: Stage, broker: ScriptedBroker, claims: dict[str, object]
):
    async with await RawClient.connect(scripted.bootstrap) as client:
        await log_in(client, scripted.token())
        assert await fetches(client, broker, 10)
        user = str(claims.get("username", "sa"))
        assert (await log_in(client, scripted.token(**claims), user))[0] == 58
        assert await client.closed()


async def test_a_request_after_the_end_closes_the_connection(
    scripted: Stage, broker: ScriptedBroker, capsys: pytest.CaptureFixture[str]
):
    async with await RawClient.connect(scripted.bootstrap) as client:
        await log_in(client, scripted.token())
        (connection,) = scripted.gateway.connections
        connection.session_ends = 0.0
        client.send(request(FETCH, 4, 10, FETCH_4))
        assert await client.closed()
    assert "its session is over, and it did not authenticate again" in capsys.readouterr().out


async def test_after_the_end_there_is_still_time_to_authenticate(
    scripted: Stage, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gateway_module, "SESSION_GRACE", 1e9)
    async with await RawClient.connect(scripted.bootstrap) as client:
        await log_in(client, scripted.token())
        (connection,) = scripted.gateway.connections
        connection.session_ends = 0.0
        assert (await log_in(client, scripted.token()))[0] == 0
        assert await fetches(client, broker, 10)


async def test_who_waits_for_an_answer_past_the_end_gets_it(
    scripted: Stage, broker: ScriptedBroker
):
    """JoinGroup may take minutes, and librdkafka authenticates again when it is answered."""
    async with (
        await RawClient.connect(scripted.bootstrap) as waiting,
        await RawClient.connect(scripted.bootstrap) as idle,
    ):
        await log_in(waiting, scripted.token())
        (connection,) = (c for c in scripted.gateway.connections if c.relay)
        await log_in(idle, scripted.token())
        (other,) = scripted.gateway.connections - {connection}
        waiting.send(request(FETCH, 4, 10, FETCH_4))
        asked = await broker.next()
        connection.session_ends = monotonic() - 300
        other.session_ends = -1e9
        assert await idle.closed()  # the clock has been looked at
        asked.answer(FETCH_4_ANSWER)
        assert (await waiting.receive())[0] == 10
        assert (await log_in(waiting, scripted.token()))[0] == 0
        assert await fetches(waiting, broker, 11)


async def test_who_never_asks_again_is_cut_too(scripted: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gateway_module, "SESSION_GRACE", 0.0)
    async with await RawClient.connect(scripted.bootstrap) as client:
        await log_in(client, scripted.token(exp=_now() + 2))
        async with asyncio.timeout(10):
            assert await client.reader.read() == b""


@pytest.mark.parametrize(
    "sent",
    [
        request(AUTHENTICATE, 1, 1, struct.pack(">i", 3) + b"abc"),
        request(HANDSHAKE, 1, 1, b"\x7f\xff"),
        request(HANDSHAKE, 0, 1, PLAIN) + b"\0\0\0\3abc",
        request(HANDSHAKE, 0, 1, struct.pack(">h13s", 13, b"SCRAM-SHA-512")) + b"\0\0\0\1\xff",
    ],
    ids=["no-handshake", "broken-handshake", "bare-garbage", "bare-scram-garbage"],
)
async def test_garbage_ends_the_connection(
    scripted: Stage, sent: bytes, caplog: pytest.LogCaptureFixture
):
    async with await RawClient.connect(scripted.bootstrap) as client:
        client.send(sent)
        async with asyncio.timeout(5):
            await client.reader.read()
    assert "Traceback" not in caplog.text


async def test_an_unknown_mechanism_is_answered_with_those_that_there_are(scripted: Stage):
    async with await RawClient.connect(scripted.bootstrap) as client:
        client.send(request(HANDSHAKE, 1, 1, struct.pack(">h6s", 6, b"GSSAPI")))
        answer = (await client.receive())[1]
        assert struct.unpack_from(">h", answer) == (33,)
        assert b"PLAIN" in answer
        assert b"SCRAM-SHA-512" in answer
        assert b"OAUTHBEARER" not in answer
