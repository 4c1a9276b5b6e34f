import xml.etree.ElementTree as ET

import pytest

from sandbox.artifacts import cached, download_jars, project_of
from sandbox.errors import SandboxError
from sandbox.progress import silent


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "interlock"


def test_a_folder_is_made_once(cache):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "jar").touch()

    for _ in range(2):
        assert cached("kafka", "download Kafka", make, silent) == cache / "kafka"
    assert len(made) == 1
    assert [path.name for path in (cache / "kafka").iterdir()] == ["jar"]


def test_a_failed_download_leaves_nothing_and_is_reported(cache):
    def make(folder):
        (folder / "half").touch()
        raise SandboxError("the network is down")

    steps = []
    with pytest.raises(SandboxError):
        cached("kafka", "download Kafka", make, steps.append)
    assert [step.state for step in steps] == ["began", "failed"]
    assert [path.name for path in cache.iterdir()] == [".kafka.lock"]


def test_a_missing_maven_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"no mvn on PATH: install Maven"):
        download_jars(["a:b:1"], tmp_path)


def test_maven_is_asked_for_each_artifact():
    project = ET.fromstring(project_of(["org.apache.kafka:kafka-tools:4.3.1", "a:b:1"]))
    names = [element.text for element in project.iter() if element.tag.endswith("artifactId")]
    assert names == ["sandbox", "kafka-tools", "b"]
