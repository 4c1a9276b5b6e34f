import pytest

from sandbox.errors import SandboxError
from sandbox.java import feature_release, find_java, version_in


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', "17.0.15"),
        ('openjdk version "25" 2025-09-16', "25"),
        ('java version "1.8.0_402"', "1.8.0_402"),
        ("bash: java: command not found", None),
    ],
)
def test_the_version_is_read_from_what_java_says(text, version):
    assert version_in(text) == version


@pytest.mark.parametrize(
    ("version", "release"), [("17.0.15", 17), ("25-ea", 25), ("1.8.0_402", 8), ("?", 0)]
)
def test_the_feature_release_is_what_counts(version, release):
    assert feature_release(version) == release


def test_a_missing_java_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="no java on PATH: install a JDK of version 17 or newer"):
        find_java()


def test_an_old_java_is_named(monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SandboxError, match=r"is Java 11\.0\.2, Kafka needs 17 or newer"):
        find_java()
