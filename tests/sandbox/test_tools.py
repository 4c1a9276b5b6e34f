import os
import subprocess
from pathlib import Path

from sandbox.java import Java
from sandbox.kafka_release import KafkaRelease
from sandbox.tools import TOOLS, write_tools


def test_a_tool_hands_its_arguments_over_unchanged(tmp_path):
    java = tmp_path / "my java"
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    write_tools(tmp_path / "bin", KafkaRelease(Java(str(java), "17"), Path("a jars"), Path("warm")))

    said = subprocess.run(
        [tmp_path / "bin" / "kafka-topics", "--list", "--topic", "a b *"],
        capture_output=True, text=True, check=True, env={**os.environ, "KAFKA_OPTS": "-Dx=1 -Dy=2"},
    ).stdout.splitlines()  # fmt: skip

    assert said[:2] == ["-Dx=1", "-Dy=2"]
    assert said[-4:] == ["org.apache.kafka.tools.TopicCommand", "--list", "--topic", "a b *"]
    assert said[said.index("-cp") + 1] == "a jars/*"


def test_the_scenario_has_its_tools():
    assert {"kafka-topics", "kafka-console-producer", "kafka-console-consumer"} <= TOOLS.keys()
