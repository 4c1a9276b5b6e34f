"""What a secure environment is made of."""

from pathlib import Path

from contract.cluster_security import Password
from contract.clusters_file import read_clusters
from sandbox.configuration import clusters_yaml
from sandbox.java import Java
from sandbox.kafka import BrokerAddress, KafkaCluster, broker_properties
from sandbox.kafka_release import KafkaRelease
from sandbox.mirror import one_way
from sandbox.security import Security
from upstream.tls import TlsContexts

RELEASE = KafkaRelease(Java("java", "17.0.15"), Path("jars"), Path("warm"))


def _clusters(folder: Path, security: Security) -> tuple[KafkaCluster, KafkaCluster]:
    main = KafkaCluster("main", [BrokerAddress(1, 19092)], folder, RELEASE, security=security)
    other = KafkaCluster("failover", [BrokerAddress(9, 29092)], folder, RELEASE, security=security)
    return main, other


def test_the_clusters_file_is_understood_by_the_planes(tmp_path: Path):
    security = Security.create(tmp_path)
    file = tmp_path / "clusters.yaml"
    file.write_text(clusters_yaml(*_clusters(tmp_path, security)))
    for cluster in read_clusters(file):
        access = cluster.security
        assert access.protocol == "SASL_SSL"
        assert isinstance(access.login, Password)
        assert access.login.password == security.password
        assert access.tls is not None
        assert TlsContexts(access.tls).current().check_hostname


def test_brokers_talk_to_each_other_as_clients_do(tmp_path: Path):
    addresses = [BrokerAddress(1, 19092)]
    security = Security.create(tmp_path)
    properties = broker_properties(addresses[0], addresses, tmp_path, security)
    assert properties["inter.broker.listener.name"] == "SASL"
    assert properties["listener.security.protocol.map"] == "CONTROLLER:PLAINTEXT,SASL:SASL_SSL"
    assert "PLAINTEXT://" not in properties["listeners"]


def test_the_mirror_logs_in_to_both(tmp_path: Path):
    security = Security.create(tmp_path)
    properties = one_way(*_clusters(tmp_path, security))
    for name in ("main", "failover"):
        assert properties[f"{name}.security.protocol"] == "SASL_SSL"
        assert security.password in properties[f"{name}.sasl.jaas.config"]


def test_keys_are_for_their_owner_only_and_passwords_are_not_shown(tmp_path: Path):
    security = Security.create(tmp_path)
    assert security.broker_store.stat().st_mode & 0o077 == 0
    assert security.password not in repr(security)
