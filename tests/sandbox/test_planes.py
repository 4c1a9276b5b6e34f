"""Both planes as the sandbox starts them, reached with a user's own tools."""

import base64
import json
import subprocess
import urllib.request

import pytest

from sandbox.configuration import ADMIN_PASSWORD, ADMIN_USER

pytestmark = pytest.mark.environment


@pytest.fixture
def client_properties(environment, unique_name, tmp_path):
    """A properties file for a new service account of a new virtual cluster."""
    ports = environment.plan.ports
    url = f"http://localhost:{ports.admin_api(0)}"
    basic = base64.b64encode(f"{ADMIN_USER}:{ADMIN_PASSWORD}".encode()).decode()
    request = urllib.request.Request(
        f"{url}/admin/vclusters/v1/vcluster/{unique_name}/username/sa",
        data=b'{"lifeTimeSeconds": 600}',
        headers={"Content-Type": "application/json", "Authorization": f"Basic {basic}"},
    )
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["token"]
    file = tmp_path / "sa.properties"
    file.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required"
        f" username='sa' password='{token}';\n"
    )
    return file


def topics(environment, gateway, properties, *arguments):
    command = [
        environment.plan.tools / "kafka-topics", "--bootstrap-server",
        f"localhost:{environment.plan.ports.gateway(gateway)}",
        "--command-config", properties, *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_a_topic_made_through_one_gateway_is_seen_through_the_other(environment, client_properties):
    create = ("--create", "--topic", "users", "--partitions", "1", "--replication-factor", "1")
    topics(environment, 0, client_properties, *create)
    assert topics(environment, 1, client_properties, "--list") == ["users"]


def test_a_killed_control_plane_and_a_killed_gateway_come_back(environment, client_properties):
    for name in ("controlplane1", "gateway1"):
        environment.process(name).kill()
        environment.process(name).restart()
    assert topics(environment, 0, client_properties, "--list") == []
