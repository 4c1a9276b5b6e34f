"""Real clients whose sessions last seconds go on over several of them (KIP-368).

Java re-authenticates after 85 to 95 % of a session, with the next request. librdkafka (since 2.2)
does after 90 %, by itself; its clients live in threads here, for the gateway has the test's loop.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from clients.target import Target
from dataplane.gateway.services import Client
from sandbox.kafka_release import kafka_release
from sandbox.ports import Ports
from sandbox.tools import TOOLS
from tests.dataplane.gateway.conftest import Stage
from tests.dataplane.gateway.logins import PASSWORD, Issuer, account, stage_on
from tests.dataplane.gateway.scripted import eventually
from tests.environment.backends import Clusters

pytestmark = [pytest.mark.environment, pytest.mark.timeout(60)]

SESSION_MS = 2000
RECORDS = 120
PER_SECOND = 20
PATIENCE = 25.0
"""Seconds for all that a client does."""
TOPIC = "orders"
TOKEN_S = 4
SESSIONS = 3
"""That each connection has at least, all in all."""
CLOSED = "client connection closed"
VALUES = [str(number) for number in range(RECORDS)]


class Sessions:
    """The ends of the sessions that each connection has had so far."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ends: dict[Client, set[float]] = {}

    async def watch(self) -> None:
        while True:
            for client in self._stage.gateway.connections:
                if client.relay is not None:
                    self._ends.setdefault(client, set()).add(client.session_ends)
            await asyncio.sleep(0.02)

    @property
    def counts(self) -> list[int]:
        return sorted(len(ends) for ends in self._ends.values())


@asynccontextmanager
async def watching(stage: Stage) -> AsyncIterator[Sessions]:
    sessions = Sessions(stage)
    task = asyncio.ensure_future(sessions.watch())
    yield sessions
    task.cancel()


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path / "jwks.json")


@pytest.fixture
async def brief(
    clusters: Clusters, gateway_ports: Ports, unique_name: str, tmp_path: Path, issuer: Issuer
) -> AsyncIterator[Stage]:
    """Sessions are short; with a topic of one partition."""
    variables = {
        "GATEWAY_AUTHENTICATION_CONNECTION_MAX_REAUTH_MS": SESSION_MS,
        **issuer.variables,
    }
    port = gateway_ports.gateway(0)
    async with stage_on(clusters, unique_name, port, tmp_path, **variables) as stage:
        await asyncio.to_thread(create_topic, stage)
        await eventually(lambda: not stage.gateway.connections)
        yield stage


def create_topic(stage: Stage) -> None:
    admin = AdminClient(of_librdkafka(stage))
    admin.create_topics([NewTopic(TOPIC, 1, 1)], operation_timeout=10)[TOPIC].result(10)


def of_librdkafka(stage: Stage, problems: list[str] | None = None) -> dict[str, Any]:
    """Settings of a client that is let in, and notes its errors."""
    return {
        "error_cb": lambda error: problems.append(str(error)) if problems is not None else None,
        "bootstrap.servers": stage.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "sa",
        "sasl.password": stage.token(),
        "socket.timeout.ms": 10_000,
    }


async def run_tool(name: str, stage: Stage, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What one of Kafka's verifiable tools tells."""
    settings = folder / "client.properties"
    properties = Target("gateway", stage.bootstrap, "sa", stage.token()).properties()
    settings.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    process = await asyncio.create_subprocess_exec(
        *kafka_release().command(TOOLS[name], heap_mb=96, log_level="INFO"),
        *("--bootstrap-server", stage.bootstrap, "--topic", TOPIC),
        *("--command-config", str(settings), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            told, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = complaints.decode()
    assert process.returncode == 0, said
    assert "disconnected" not in said
    return [json.loads(line) for line in told.splitlines()]


def produce(stage: Stage, **settings: Any) -> list[str]:
    """Write the records at their pace; what went wrong on the way, if anything.

    When it hears that its token has expired, it takes a new one.
    """
    problems: list[str] = []
    own = {"message.timeout.ms": 20_000, "enable.idempotence": True}
    producer = Producer(of_librdkafka(stage, problems) | own | settings)
    expired = False

    def delivered(error: object, _: Message) -> None:
        if error is not None:
            problems.append(str(error))

    begun = time.monotonic()
    for number, value in enumerate(VALUES):
        while (early := begun + number / PER_SECOND - time.monotonic()) > 0:
            producer.poll(early)
        producer.produce(TOPIC, value, on_delivery=delivered)
        if not expired and any("has expired" in problem for problem in problems):
            expired = True
            producer.set_sasl_credentials("sa", stage.token())
    if (left := producer.flush(10)) > 0:
        problems.append(f"{left} records were not acknowledged")
    return problems


def consume(stage: Stage, **settings: Any) -> list[str]:
    """Read as many records as there should be."""
    problems: list[str] = []
    group = {"group.id": "readers", "auto.offset.reset": "earliest", "auto.commit.interval.ms": 200}
    consumer = Consumer(of_librdkafka(stage, problems) | group | settings)
    consumer.subscribe([TOPIC])
    found: list[str] = []
    give_up_at = time.monotonic() + PATIENCE
    while len(found) < RECORDS and time.monotonic() < give_up_at:
        message = consumer.poll(0.2)
        if message is not None:
            found.append(str(message.error() or (message.value() or b"").decode()))
    consumer.close()
    assert problems == []
    return found


def token_of(issuer: Issuer) -> Callable[[str], tuple[str, float]]:
    """Gives librdkafka a new token of some seconds whenever it asks."""
    return lambda _: (issuer.token(lifetime_s=TOKEN_S), time.time() + TOKEN_S)  # noqa: TID251 - wall clock


async def test_java_keeps_its_connections(
    brief: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rate = ("--max-messages", str(RECORDS), "--throughput", str(PER_SECOND))
    reading = ("--group-id", "readers", "--max-messages", str(RECORDS), "--verbose")
    async with watching(brief) as sessions:
        sent, read = await asyncio.gather(
            run_tool("kafka-verifiable-producer", brief, tmp_path, *rate),
            run_tool("kafka-verifiable-consumer", brief, tmp_path, *reading),
        )
    # The producer's broker, and the consumer's broker and coordinator; both have a bootstrap.
    assert [count >= SESSIONS for count in sessions.counts] == [False] * 2 + [True] * 3
    acknowledged = [line["value"] for line in sent if line["name"] == "producer_send_success"]
    received = [line["value"] for line in read if line["name"] == "record_data"]
    assert acknowledged == received == VALUES
    assert CLOSED not in capsys.readouterr().out


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"])
async def test_librdkafka_keeps_its_connections(
    brief: Stage, issuer: Issuer, mechanism: str, capsys: pytest.CaptureFixture[str]
):
    brief.record(account(brief, "app-1", password=PASSWORD))
    settings: dict[str, Any] = {
        "PLAIN": {},
        "SCRAM-SHA-256": {
            "sasl.username": f"sa@{brief.vcluster}",
            "sasl.password": PASSWORD,
        },
        "OAUTHBEARER": {"oauth_cb": token_of(issuer)},
    }[mechanism]
    settings["sasl.mechanism"] = mechanism
    async with watching(brief) as sessions:
        problems, read = await asyncio.gather(
            asyncio.to_thread(produce, brief, **settings),
            asyncio.to_thread(consume, brief, **settings),
        )
    # The producer's broker, and the consumer's broker and coordinator.
    assert all(count >= SESSIONS for count in sessions.counts[-3:])
    assert problems == []
    assert read == VALUES
    assert CLOSED not in capsys.readouterr().out


async def test_who_does_not_authenticate_again_is_cut_and_comes_back(
    brief: Stage, capsys: pytest.CaptureFixture[str]
):
    """So does aiokafka, which has no re-authentication."""
    settings = brief.credentials() | {"request_timeout_ms": 10_000}
    producer = AIOKafkaProducer(enable_idempotence=True, **settings)
    async with asyncio.timeout(PATIENCE), watching(brief) as sessions, producer:
        begun = time.monotonic()
        for number, value in enumerate(VALUES):
            await asyncio.sleep(begun + number / PER_SECOND - time.monotonic())
            await producer.send_and_wait(TOPIC, value.encode())
    assert await asyncio.to_thread(consume, brief) == VALUES
    assert set(sessions.counts) == {1}
    assert "its session is over, and it did not authenticate again" in capsys.readouterr().out


async def test_a_token_expires_and_a_new_one_goes_on(
    brief: Stage, capsys: pytest.CaptureFixture[str]
):
    """With PLAIN, re-authentication shows the same token again, until it is not good any more."""
    short = brief.token(exp=int(time.time()) + TOKEN_S)  # noqa: TID251 - wall clock
    problems = await asyncio.to_thread(produce, brief, **{"sasl.password": short})
    log = capsys.readouterr().out
    assert any("the token of sa has expired: create a new one" in told for told in problems)
    assert f"{CLOSED} " in log
    assert "authentication failed: the token of sa has expired: create a new one" in log
    assert await asyncio.to_thread(consume, brief) == VALUES
