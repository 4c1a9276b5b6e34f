"""`clusters.yaml` and the variable that names it."""

from pathlib import Path

import pytest

from contract.clusters_file import ClustersFileError, read_clusters, selected_path

SCENARIO = """
config:
  main:
    bootstrap.servers: kafka1:9092,kafka2:9093,kafka3:9094
  failover:
    bootstrap.servers: failover-kafka1:9092,failover-kafka2:9093,failover-kafka3:9094
    gateway.roles: failover
"""


def _file(folder: Path, content: str) -> Path:
    file = folder / "clusters.yaml"
    file.write_text(content)
    return file


def test_the_scenarios_file_is_read(tmp_path: Path) -> None:
    main, failover = read_clusters(_file(tmp_path, SCENARIO))
    assert (main.name, main.role) == ("main", "upstream")
    assert main.bootstrap_servers == "kafka1:9092,kafka2:9093,kafka3:9094"
    assert (failover.name, failover.role) == ("failover", "failover")
    assert "gateway.roles" not in failover.properties


@pytest.mark.parametrize(
    "selector",
    ["file : { path:  /config/clusters.yaml}", "file:{path:/config/clusters.yaml}"],
)
def test_the_selector_of_the_scenario_names_the_file(selector: str) -> None:
    assert selected_path(selector) == Path("/config/clusters.yaml")


def test_another_selector_is_refused() -> None:
    with pytest.raises(ClustersFileError, match="GATEWAY_BACKEND_KAFKA_SELECTOR"):
        selected_path("/config/clusters.yaml")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("config: {}", "names no cluster"),
        ("config: [", "is not a clusters file"),
        ("clusters: {}", "is not a clusters file"),
        ("config: {main: {}}", "main has no bootstrap.servers"),
        (
            "config: {main: {bootstrap.servers: 'a:1', gateway.roles: spare}}",
            "main has gateway.roles 'spare'",
        ),
        (
            "config: {main: {bootstrap.servers: 'a:1', security.protocol: SASL_SSL}}",
            r"clusters.yaml: main: sasl.jaas.config names no username and password",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(ClustersFileError, match=says):
        read_clusters(_file(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClustersFileError, match=r"cannot read .*none\.yaml"):
        read_clusters(tmp_path / "none.yaml")
