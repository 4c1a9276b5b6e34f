"""The acceptance scenario, as a user runs it."""

import re
import subprocess
import sys

import pytest

from sandbox.ports import is_free, reserved_ports

pytestmark = [
    pytest.mark.environment,
    pytest.mark.timeout(500),
    pytest.mark.xdist_group("demo"),
]


@pytest.fixture(scope="module")
def demo():
    with reserved_ports() as ports:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "interlock",
                "sandbox",
                "demo",
                "--port-offset",
                str(ports.offset),
            ],
            capture_output=True,
            text=True,
            timeout=450,
            check=False,
        )
        taken = [port for port in (ports.admin_api(0), ports.gateway(0)) if not is_free(port)]
        assert taken == [], "the demo left something running"
        yield done


def _figure(output: str, name: str) -> int:
    match = re.search(rf"{name}\s+│\s+(\d+)", output)
    assert match is not None, f"no figure {name} in the output"
    return int(match[1])


def test_all_steps_succeed_there_and_back(demo):
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for number in range(1, 15):
        assert re.search(rf"^ ?{number}\. ", demo.stdout, re.MULTILINE), f"step {number} is missing"
    assert "✗" not in demo.stdout
    assert "Traceback" not in demo.stdout + demo.stderr


def test_the_switch_goes_unnoticed(demo):
    assert _figure(demo.stdout, "switches in the event log") == 1
    assert _figure(demo.stdout, "records acknowledged") > 400
    for cost in (
        "client connections closed",
        "records lost",
        "records written twice",
        "records not read",
        "errors that reached an application",
    ):
        assert _figure(demo.stdout, cost) == 0, cost
