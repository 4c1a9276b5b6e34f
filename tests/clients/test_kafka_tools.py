"""Every tool of Kafka's distribution through the gateway: it works, or says why it does not.

Left out are those that ask no cluster (kafka-dump-log, kafka-storage, ...) and
kafka-replica-verification, which cannot authenticate.
"""

import subprocess
from pathlib import Path

import pytest

from clients.target import VCLUSTER, Target
from sandbox.environment import Environment
from sandbox.tools import TOOLS
from tests.clients.tool_calls import DENIED_CALLS, FILES, LAST_CALLS, TENANT_CALLS, Call

pytestmark = pytest.mark.environment

PATIENCE = 60
"""Seconds for one call: nothing may hang."""
CALLS = [*TENANT_CALLS, *DENIED_CALLS, *LAST_CALLS]
OFFLINE = {"kafka-dump-log"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, gateway: Target) -> Path:
    """Holds the tenant's properties file, and the files that calls name."""
    folder = tmp_path_factory.mktemp("tools")
    properties = "".join(f"{key}={value}\n" for key, value in gateway.properties().items())
    (folder / "tenant.properties").write_text(properties)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_tool(call: Call, folder: Path, gateway: Target, client_environment: Environment):
    arguments = call.arguments.replace("{folder}", str(folder)).split()
    connection = ["--bootstrap-server", gateway.bootstrap]
    connection += ["--command-config", str(folder / "tenant.properties")]
    # kafka-cluster takes options after its subcommand, all others also before it.
    at = 1 if call.tool == "kafka-cluster" else 0
    done = subprocess.run(
        [
            client_environment.plan.tools / call.tool,
            *arguments[:at],
            *connection,
            *arguments[at:],
        ],
        input=call.stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    said = done.stdout.decode()
    assert [text for text in call.holds if text not in said] == [], said
    assert done.returncode == call.code, said
    assert VCLUSTER not in said


def test_no_tool_was_forgotten():
    assert {call.tool for call in CALLS} == TOOLS.keys() - OFFLINE
