"""`docker-compose.yaml` says the same as the sandbox; it cannot be run where there is no engine."""

import json
import re
from pathlib import Path

import compose_spec
import pytest
import yaml

from contract.clusters_file import read_clusters
from sandbox.configuration import ADMIN_PASSWORD, Secrets
from sandbox.java import Java
from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import KAFKA_VERSION, KafkaRelease
from sandbox.mirror import one_way
from sandbox.plan import Plan
from sandbox.planes import PlaneSettings, control_plane, gateway
from sandbox.ports import PAIR, Ports
from sandbox.registry import REGISTRY_VERSION
from sandbox.variables import inherited_without

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES = COMPOSE["services"]

ADDRESSES = {"DATABASE_URL", "INTERLOCK_CONTROL_PLANES", "GATEWAY_BACKEND_KAFKA_SELECTOR"}
"""Variables whose values differ, because places are called differently inside of containers."""

SECRETS = {"GATEWAY_USER_POOL_SECRET_KEY", "INTERLOCK_NODE_TOKEN"}


def published(service):
    """Host ports of a service; each must be the same inside."""
    numbers = set()
    for mapping in SERVICES[service].get("ports", []):
        outside, inside = mapping.split(":")
        assert outside == inside
        first, _, last = outside.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def sandbox_variables():
    """What the sandbox gives each plane, by service."""
    settings = PlaneSettings(
        ports=Ports(), clusters_file=Path("x"), secrets=Secrets(), folder=Path("x")
    )
    planes = [control_plane(settings, i, "postgresql://x", {}) for i in PAIR]
    planes += [gateway(settings, i, ["http://x"], {}) for i in PAIR]
    inherited = inherited_without("GATEWAY_", "INTERLOCK_", "DATABASE_URL")
    return {
        plane.name: {
            name: value
            for name, value in plane.program.environment.items()
            if name not in inherited
        }
        for plane in planes
    }


def test_it_follows_the_compose_specification():
    compose_spec.PyCompose.from_json(json.dumps(COMPOSE)).validate()


def test_a_word_that_is_not_in_the_specification_is_noticed():
    broken = {"services": {"kafka": {"imagee": "x"}}}
    with pytest.raises(ValueError, match="imagee"):
        compose_spec.PyCompose.from_json(json.dumps(broken))


def test_it_has_the_services_of_the_scenario():
    assert SERVICES.keys() == {
        *(f"kafka{n}" for n in (1, 2, 3)),
        *(f"failover-kafka{n}" for n in (1, 2, 3)),
        *("mirror-maker", "schema-registry", "kafka-client", "postgres"),
        *("controlplane1", "controlplane2", "gateway1", "gateway2"),
    }


def test_what_is_depended_on_exists_and_has_a_health_check():
    for service in SERVICES.values():
        assert "healthcheck" in service
        assert service.get("depends_on", {}).keys() <= SERVICES.keys()


def test_it_publishes_the_ports_of_the_sandbox():
    plan = Plan(folder=Path("x"))
    inner = ("controller", "Postgres", "mirror")  # nobody outside needs them
    wanted = {
        port for what, port in plan.ports_taken().items() if not any(w in what for w in inner)
    }
    assert set().union(*map(published, SERVICES)) == wanted


@pytest.mark.parametrize("name", ["controlplane1", "controlplane2", "gateway1", "gateway2"])
def test_the_planes_get_the_variables_of_the_sandbox(name):
    composed, ours = SERVICES[name]["environment"], sandbox_variables()[name]
    assert composed.keys() == ours.keys()
    same = composed.keys() - ADDRESSES - SECRETS - {"GATEWAY_BIND_HOST", "GATEWAY_ADMIN_API_USERS"}
    assert {key: composed[key] for key in same} == {key: ours[key] for key in same}
    if "GATEWAY_ADMIN_API_USERS" in ours:
        password = "${INTERLOCK_ADMIN_PASSWORD:?make one with openssl rand -hex 16}"
        users = composed["GATEWAY_ADMIN_API_USERS"].replace(password, ADMIN_PASSWORD)
        assert yaml.safe_load(users) == yaml.safe_load(ours["GATEWAY_ADMIN_API_USERS"])


@pytest.mark.parametrize("variable", sorted(SECRETS))
def test_secrets_have_no_default(variable):
    for name in ("controlplane1", "gateway1"):
        assert SERVICES[name]["environment"][variable].startswith(f"${{{variable}:?")
    assert ":-" not in (ROOT / "docker-compose.yaml").read_text()


def test_brokers_are_where_the_clusters_file_says():
    for cluster in read_clusters(ROOT / "deploy" / "clusters.yaml"):
        for address in cluster.bootstrap_servers.split(","):
            broker, port = address.split(":")
            environment = SERVICES[broker]["environment"]
            assert f"INTERNAL://{address}" in environment["KAFKA_ADVERTISED_LISTENERS"]
            assert environment["INTERNAL_PORT"] == port


def test_no_two_brokers_share_an_id_and_the_clusters_have_their_own():
    brokers = {n: s["environment"] for n, s in SERVICES.items() if re.search(r"kafka\d$", n)}
    ids = {name: int(environment["KAFKA_NODE_ID"]) for name, environment in brokers.items()}
    assert sorted(ids.values()) == [1, 2, 3, 101, 102, 103]
    clusters = {(n.startswith("failover"), e["CLUSTER_ID"]) for n, e in brokers.items()}
    assert len({cluster_id for _, cluster_id in clusters}) == len(clusters) == 2
    for name, environment in brokers.items():
        assert f"{ids[name]}@{name}:9099" in environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]


def test_the_mirror_is_the_sandbox_s(tmp_path):
    release = KafkaRelease(Java("java", "17"), Path("jars"), Path("warm"))
    main, failover = (
        KafkaCluster(name, [BrokerAddress(1, 1)], tmp_path, release)
        for name in ("main", "failover")
    )
    ours = one_way(main, failover)
    lines = (ROOT / "deploy" / "mm2.properties").read_text().splitlines()
    composed = dict(line.split("=", 1) for line in lines)
    assert composed.keys() == ours.keys()
    different = {key for key in ours if ours[key] != composed[key]}
    assert different == {
        "main.bootstrap.servers",
        "failover.bootstrap.servers",
        "main.plugin.path",
        "failover.plugin.path",
    }
    mounted = f"./mirrormaker/plugins:{composed['failover.plugin.path']}:ro"
    assert mounted in SERVICES["mirror-maker"]["volumes"]


def test_images_are_of_the_versions_that_the_sandbox_runs():
    images = {service["image"] for service in SERVICES.values()}
    assert f"apache/kafka:{KAFKA_VERSION}" in images
    assert f"apicurio/apicurio-registry-mem:{REGISTRY_VERSION}" in images


def test_the_image_installs_what_is_locked_and_nothing_for_development():
    def pins(file):
        return set(re.findall(r"^([\w.-]+(?:\[[\w,]+\])?==\S+)", file.read_text(), re.MULTILINE))

    image, everything = (
        pins(ROOT / "deploy" / "requirements.lock"),
        pins(ROOT / "requirements.lock"),
    )
    assert image <= everything
    assert not [pin for pin in image if pin.startswith(("pytest", "ruff", "mypy=="))]
