"""`interlock sandbox` as a person runs it, with the parts that start quickly."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from sandbox.plan import Component
from sandbox.ports import is_free, reserved_ports
from sandbox.process import wait_until
from sandbox.state import StateFolder

QUICK = {Component.CLUSTERS, Component.POSTGRES}


@pytest.fixture
def sandbox(tmp_path):
    def run(command, *arguments):
        words = [command, *arguments, "--dir", str(tmp_path / "sandbox")]
        return subprocess.run(
            [sys.executable, "-m", "interlock", "sandbox", *words],
            capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )  # fmt: skip

    yield run
    StateFolder(tmp_path / "sandbox").stop()


@pytest.fixture
def up(sandbox):
    """Brings the sandbox up on free ports; the ports."""
    with reserved_ports() as ports:
        without = [f"--without={part}" for part in Component if part not in QUICK]
        offset = f"--port-offset={ports.offset}"
        done = sandbox("up", "--profile=small", offset, *without)
        assert done.returncode == 0, done.stderr
        assert "✔ start failover-kafka1" in done.stdout
        yield ports


@pytest.mark.environment
def test_up_status_and_down(sandbox, up, tmp_path):
    shown = sandbox("status")
    assert shown.returncode == 0
    rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert f"localhost:{up.main_broker(0)}" in rows["kafka1"]
    assert rows["kafka1"].split()[-1] == "ready"
    assert rows.keys() == {"service", "postgres", "kafka1", "failover-kafka1"}

    assert "database system is ready" in sandbox("logs", "postgres").stdout
    assert "runs in" in sandbox("up").stderr

    services = StateFolder(tmp_path / "sandbox").services()
    os.kill(services[0].pid, signal.SIGKILL)
    wait_until(lambda: services[0].health() == "dead", "postgres is seen to be dead")
    assert sandbox("status").returncode == 1

    assert sandbox("down").stdout == "stopped\n"
    assert not any(psutil.pid_exists(service.pid) for service in services)
    assert is_free(up.main_broker(0))


@pytest.mark.environment
def test_nothing_is_left_of_a_sandbox_whose_supervisor_is_killed(sandbox, up, tmp_path):
    state = StateFolder(tmp_path / "sandbox")
    services, supervisor = state.services(), state.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    for service in services:
        wait_until(lambda s=service: s.health() == "dead", f"{service.name} is gone")
    assert sandbox("status").stderr.startswith("interlock sandbox: no sandbox runs in")


def test_a_start_that_fails_says_why_in_one_line(sandbox, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with reserved_ports() as ports:
        done = sandbox("up", f"--port-offset={ports.offset}", "--without=postgres",
                       "--without=control-planes", "--without=gateways")  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("interlock sandbox: no java in JAVA_HOME (/nowhere): install")
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_there_is_said_with_what_to_do(sandbox):
    assert "`interlock sandbox up` starts one" in sandbox("status").stderr
    assert sandbox("down").stdout.startswith("no sandbox runs in")
    assert sandbox("logs", "kafka1").stderr.rstrip().endswith("there are: none")
