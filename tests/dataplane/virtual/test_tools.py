"""Kafka's own command line tools on a virtual cluster: what they show is the tenant's alone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from sandbox.kafka_release import kafka_release
from sandbox.tools import write_tools
from tests.dataplane.gateway.conftest import (  # noqa: F401 - fixtures are found by their names
    Stage,
    gateway_ports,
    stage,
)

pytestmark = [pytest.mark.environment, pytest.mark.timeout(300)]


class Outcome(NamedTuple):
    """How a tool ended, and everything it printed."""

    code: int
    text: str


Run: TypeAlias = Callable[..., Awaitable[Outcome]]


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Run:  # noqa: F811 - the fixture, not the import
    """Run a tool as the tenant; `stdin` is what a person would type."""
    write_tools(tmp_path / "bin", kafka_release())
    properties = tmp_path / "sa.properties"
    properties.write_text(
        "security.protocol=SASL_PLAINTEXT\n"
        "sasl.mechanism=PLAIN\n"
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required"
        f" username='sa' password='{stage.token()}';\n"
    )

    async def run_tool(tool: str, *arguments: str, stdin: bytes = b"") -> Outcome:
        process = await asyncio.create_subprocess_exec(
            str(tmp_path / "bin" / tool),
            "--bootstrap-server",
            stage.bootstrap,
            "--command-config",
            str(properties),
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(stdin), 60)
        text = output.decode()
        assert stage.vcluster not in text
        return Outcome(process.returncode or 0, text)

    return run_tool


async def test_topics_configs_and_groups(run: Run):
    create = ("--create", "--topic", "users", "--partitions", "2", "--replication-factor", "1")
    assert "Created topic users." in (await run("kafka-topics", *create)).text
    assert "Topic 'users' already exists." in (await run("kafka-topics", *create)).text
    assert (await run("kafka-topics", "--list")).text == "users\n"
    described = await run("kafka-topics", "--describe", "--topic", "users")
    assert "Partition: 1\tLeader: 0\tReplicas: 0\tIsr: 0" in described.text

    topic = ("--entity-type", "topics", "--entity-name", "users")
    assert not (
        await run("kafka-configs", "--alter", *topic, "--add-config", "retention.ms=99")
    ).code
    assert "retention.ms=99 " in (await run("kafka-configs", "--describe", *topic)).text

    assert not (await run("kafka-console-producer", "--topic", "users", stdin=b"a\nb\n")).code
    consume = ("--topic", "users", "--group", "readers", "--from-beginning", "--max-messages", "2")
    assert "Processed a total of 2" in (await run("kafka-console-consumer", *consume)).text

    assert (await run("kafka-consumer-groups", "--list")).text == "readers\n"
    group = ("--group", "readers")
    described = await run("kafka-consumer-groups", "--describe", *group)
    assert described.text.count("readers         users") == 2
    reset = ("--reset-offsets", *group, "--all-topics", "--to-earliest", "--execute")
    assert not (await run("kafka-consumer-groups", *reset)).code
    assert "successful" in (await run("kafka-consumer-groups", "--delete", *group)).text
    assert not (await run("kafka-topics", "--delete", "--topic", "users")).code
    assert not (await run("kafka-topics", "--list")).text.strip()


async def test_what_belongs_to_the_physical_cluster_is_refused(run: Run):
    broker = ("--describe", "--entity-type", "brokers", "--entity-name", "0")
    refused = await run("kafka-configs", *broker)
    assert refused.code == 1
    assert "ClusterAuthorizationException" in refused.text

    denied = await run("kafka-acls", "--list")
    assert denied.code == 1
    assert "who may do what is decided by the gateway's accounts, not by ACLs" in denied.text
