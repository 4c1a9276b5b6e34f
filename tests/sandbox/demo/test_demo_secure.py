"""The scenario where everything is encrypted and every cluster wants a log-in: `make demo-secure`.

It takes as long as the scenario without that, which `make test` has.
"""

import os
import re
import subprocess
import sys

import pytest

from sandbox.ports import is_free, reserved_ports

pytestmark = [
    pytest.mark.environment,
    pytest.mark.timeout(500),
    pytest.mark.xdist_group("demo"),
    pytest.mark.skipif(
        "INTERLOCK_SECURE_DEMO" not in os.environ, reason="takes minutes: make demo-secure"
    ),
]


def test_the_scenario_runs_with_two_virtual_clusters_and_goes_unnoticed():
    with reserved_ports() as ports:
        command = [sys.executable, "-m", "interlock", "sandbox", "demo", "--secure"]
        done = subprocess.run(
            [*command, "--port-offset", str(ports.offset)],
            capture_output=True,
            text=True,
            timeout=450,
            check=False,
        )
        taken = [port for port in (ports.admin_api(0), ports.gateway(0)) if not is_free(port)]
        assert taken == [], "the demo left something running"
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(1, 14):
        assert re.search(rf"^ ?{number}\. ", done.stdout, re.MULTILINE), f"step {number} is missing"
    assert "✗" not in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "security.protocol=SASL_SSL" in done.stdout
    for cost in ("client connections closed", "records lost", "records written twice"):
        assert re.search(rf"{cost}\s+│\s+0 │", done.stdout), cost
