"""The small environment without the planes: what only runs when everything runs together."""

import json
import subprocess
import urllib.request

import pytest

from sandbox.environment import Environment
from sandbox.errors import SandboxError
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import is_free, reserved_ports
from sandbox.probe import brokers_in_metadata, topics_in_metadata
from sandbox.process import wait_until
from sandbox.registry import API_PATH

pytestmark = pytest.mark.environment

BACKENDS = frozenset(Component) - {Component.CONTROL_PLANES, Component.GATEWAYS}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("sandbox"),
            profile=Profile.SMALL,
            ports=ports,
            components=BACKENDS,
        )
        with Environment(plan) as running:
            yield running
        assert not [process.name for process in running.processes if process.is_running()]
        assert all(map(is_free, plan.ports_taken().values()))


def tool(environment, name, *arguments, **settings):
    command = [environment.plan.tools / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, **settings)


def test_what_the_tools_write_to_main_is_mirrored_to_failover(environment, unique_name):
    main, failover = environment.main, environment.failover
    tool(
        environment, "kafka-topics", "--bootstrap-server", main.bootstrap_servers,
        "--create", "--topic", unique_name, "--partitions", "1", "--replication-factor", "1",
    )  # fmt: skip
    tool(
        environment, "kafka-console-producer", "--bootstrap-server", main.bootstrap_servers,
        "--topic", unique_name, input="tom\nlaura\n",
    )  # fmt: skip
    port = failover.addresses[0].port
    wait_until(lambda: unique_name in topics_in_metadata(port), "the topic is mirrored")
    read = tool(
        environment, "kafka-console-consumer", "--bootstrap-server", failover.bootstrap_servers,
        "--topic", unique_name, "--from-beginning", "--max-messages", "2", "--timeout-ms", "30000",
    )  # fmt: skip
    assert read.stdout.split() == ["tom", "laura"]


def test_the_registry_takes_a_schema(environment):
    subjects = f"http://localhost:{environment.plan.ports.registry}{API_PATH}/subjects"
    request = urllib.request.Request(
        f"{subjects}/users-value/versions",
        data=json.dumps({"schema": '{"type": "string"}'}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["id"] > 0


def test_a_broker_comes_back_after_a_kill(environment):
    broker, port = environment.process("failover-kafka1"), environment.failover.addresses[0].port
    broker.kill()
    assert brokers_in_metadata(port) == frozenset()
    broker.restart()
    assert brokers_in_metadata(port) == {101}


def test_an_unknown_process_is_answered_with_the_known_ones(environment):
    with pytest.raises(SandboxError, match=r"no process kafka9; there are .*kafka1, "):
        environment.process("kafka9")


def test_a_second_environment_on_the_same_ports_starts_nothing(environment, tmp_path):
    plan = Plan(folder=tmp_path / "second", ports=environment.plan.ports, components=BACKENDS)
    with pytest.raises(SandboxError, match=r"main broker 1.* are in use: stop what listens"):
        Environment(plan).__enter__()
    assert not plan.folder.exists()
