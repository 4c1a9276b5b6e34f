import base64
from pathlib import Path

from contract.clusters_file import read_clusters
from sandbox.configuration import Secrets, clusters_yaml
from sandbox.java import Java
from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import KafkaRelease

RELEASE = KafkaRelease(Java("java", "17.0.15"), Path("jars"), Path("warm"))


def test_the_clusters_file_reads_back(tmp_path):
    main, failover = (
        KafkaCluster(name, [BrokerAddress(1, port)], tmp_path, RELEASE)
        for name, port in (("main", 19092), ("failover", 29092))
    )
    file = tmp_path / "clusters.yaml"
    file.write_text(clusters_yaml(main, failover))
    read = read_clusters(file)
    assert [(c.name, c.role, c.bootstrap_servers) for c in read] == [
        ("main", "upstream", "localhost:19092"),
        ("failover", "failover", "localhost:29092"),
    ]


def test_secrets_are_new_each_time_and_not_shown():
    one, other = Secrets(), Secrets()
    assert one.signing_key != other.signing_key
    assert len(base64.b64decode(one.signing_key)) == 32
    assert one.signing_key not in repr(one)
    assert one.node_token not in repr(one)


def test_the_secrets_file_is_for_its_owner_only(tmp_path):
    file = tmp_path / "secrets.env"
    Secrets().write(file)
    assert file.stat().st_mode & 0o077 == 0
