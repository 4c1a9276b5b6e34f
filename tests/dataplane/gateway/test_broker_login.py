"""The gateway in front of clusters that want TLS and a log-in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from dataplane.gateway.upstream_connection import UpstreamConnection
from sandbox.ports import Ports
from tests.dataplane.gateway.conftest import Stage, running_stage
from tests.dataplane.gateway.scripted import eventually
from tests.environment.secure import SecureBroker

pytestmark = pytest.mark.environment


def _stage(
    secure: SecureBroker, port: int, folder: Path, name: str, **changes: str
) -> AbstractAsyncContextManager[Stage]:
    bootstraps = dict.fromkeys(("main", "failover"), secure.cluster.bootstrap_servers)
    brokers = dict.fromkeys(bootstraps, (1,))
    properties = secure.cluster.client_properties | {
        key.replace("_", "."): value for key, value in changes.items()
    }
    return running_stage(name, port, folder, bootstraps, brokers, properties)


@pytest.fixture
async def stage(
    secure: SecureBroker, gateway_ports: Ports, unique_name: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with _stage(secure, gateway_ports.gateway(0), tmp_path, unique_name) as running:
        yield running


async def _create(topic: str, client: dict[str, Any]) -> None:
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()


async def test_records_go_through_and_back(stage: Stage):
    await _create("users", stage.credentials())
    producer = AIOKafkaProducer(**stage.credentials())
    await producer.start()
    await producer.send_and_wait("users", b"tom" * 40_000)
    await producer.stop()
    consumer = AIOKafkaConsumer("users", auto_offset_reset="earliest", **stage.credentials())
    await consumer.start()
    async with asyncio.timeout(15):
        assert (await consumer.getone()).value == b"tom" * 40_000
    await consumer.stop()


async def test_a_client_does_not_notice_that_a_broker_s_session_ends(stage: Stage):
    await _create("users", stage.credentials())
    producer = AIOKafkaProducer(enable_idempotence=True, **stage.credentials())
    await producer.start()
    await producer.send_and_wait("users", b"0")
    opened = stage.gateway.counters.connections_opened
    lost = stage.gateway.counters.connections_closed

    def upstreams() -> set[UpstreamConnection | None]:
        relays = {connection.relay for connection in stage.gateway.connections}
        return {relay.machine.upstream for relay in relays if relay is not None}

    before = upstreams()
    written = 1
    async with asyncio.timeout(20):
        while before & upstreams():
            await producer.send_and_wait("users", b"%d" % written)
            written += 1
    await producer.send_and_wait("users", b"%d" % written)
    assert stage.gateway.counters.connections_opened == opened
    assert stage.gateway.counters.connections_closed == lost
    await producer.stop()
    consumer = AIOKafkaConsumer("users", auto_offset_reset="earliest", **stage.credentials())
    await consumer.start()
    async with asyncio.timeout(15):
        read = [(await consumer.getone()).value for _ in range(written + 1)]
    await consumer.stop()
    assert read == [b"%d" % number for number in range(written + 1)]


async def test_a_switch_closes_encrypted_connections_in_time(stage: Stage):
    await _create("users", stage.credentials())
    producer = AIOKafkaProducer(**stage.credentials())
    await producer.start()
    await producer.send_and_wait("users", b"before")
    async with asyncio.timeout(3):
        await stage.switch("failover")
    await producer.send_and_wait("users", b"after")
    await producer.stop()


async def test_a_broker_that_refuses_the_gateway_costs_the_connection_with_the_reason(
    secure: SecureBroker,
    gateway_ports: Ports,
    unique_name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    right = secure.cluster.bootstrap_servers
    jaas = secure.security.jaas.replace('password="', 'password="x')
    port = gateway_ports.gateway(0)
    async with _stage(secure, port, tmp_path, unique_name, sasl_jaas_config=jaas) as stage:
        stage.gateway._topology._brokers["main"] = {1: ("localhost", int(right.split(":")[1]))}
        producer = AIOKafkaProducer(**stage.credentials(), request_timeout_ms=2000)
        with pytest.raises(KafkaError):
            await producer.start()
        await producer.stop()
        problem = stage.gateway._topology.problem
        await eventually(lambda: problem("main"))
        assert "refuses the log-in of interlock with SCRAM-SHA-512" in problem("main")
    said = capsys.readouterr().out
    assert "cluster main refuses us: Authentication failed" in said
    assert secure.security.password not in said
