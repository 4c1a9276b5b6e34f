"""The Java virtual machine: found, checked, and started small."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError

OLDEST = 17
"""Kafka 4's brokers need Java 17."""

LOG_CONFIGURATION = Path(__file__).parent / "log4j2.properties"


def find_java() -> str:
    """Path of a `java` that is new enough: the one of JAVA_HOME, else the one on PATH.

    Raises:
        SandboxError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on PATH"
        raise SandboxError(
            f"no java {where}: install a JDK of version {OLDEST} or newer"
            " (Debian: apt install default-jdk-headless)"
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = parse_version(said)
    if found is None or found < OLDEST:
        raise SandboxError(
            f"{java} is Java {found or 'of unknown version'}, Kafka needs {OLDEST} or newer:"
            " install a newer JDK or point JAVA_HOME to one"
        )
    return java


def parse_version(text: str) -> int | None:
    """Feature release in the output of `java -version`: 17 for `17.0.15`, 8 for `1.8.0_402`."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None


def java_command(java: str, class_path: str, *arguments: str, heap_mb: int) -> list[str]:
    """A JVM that starts quickly and stays small, logging to standard error."""
    return [
        java,
        f"-Xms{heap_mb // 2}m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",  # a killed JVM would leave its file in the temporary folder
        f"-Dlog4j2.configurationFile={LOG_CONFIGURATION}",
        "-cp",
        class_path,
        *arguments,
    ]
