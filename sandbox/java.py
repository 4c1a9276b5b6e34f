"""The Java virtual machine: found, checked, and started small."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

OLDEST = 17
"""Kafka 4's brokers need Java 17."""

LOG_CONFIGURATION = Path(__file__).parent / "log4j2.properties"


@dataclass(frozen=True)
class Java:
    """A JVM that is new enough."""

    path: str
    version: str
    """The whole version, as 17.0.15."""

    def options(self, heap_mb: int) -> list[str]:
        """To start quickly and stay small, and to log to standard error."""
        return [
            f"-Xms{heap_mb // 2}m",
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",  # a killed JVM would leave its file in the temporary folder
            "-Xlog:disable",  # the class archive's advice; real errors are no log lines
            "-Xlog:all=error:stderr",
            f"-Dlog4j2.configurationFile={LOG_CONFIGURATION}",
        ]


def find_java() -> Java:
    """The JVM of JAVA_HOME, else the one on PATH.

    Raises:
        SandboxError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if path is None:
        where = f"in JAVA_HOME ({home})" if home else "on PATH"
        raise SandboxError(
            f"no java {where}: install a JDK of version {OLDEST} or newer"
            " (Debian: apt install default-jdk-headless)"
        )
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    version = version_in(said)
    if version is None or feature_release(version) < OLDEST:
        raise SandboxError(
            f"{path} is Java {version or 'of unknown version'}, Kafka needs {OLDEST} or newer:"
            " install a newer JDK or point JAVA_HOME to one"
        )
    return Java(path, version)


def version_in(text: str) -> str | None:
    """The version in the output of `java -version`, None if there is none."""
    match = re.search(r'version "([\w.+-]+)"', text)
    return match[1] if match else None


def feature_release(version: str) -> int:
    """17 for `17.0.15`, 25 for `25-ea`, 8 for `1.8.0_402`."""
    match = re.match(r"(?:1\.)?(\d+)", version)
    return int(match[1]) if match else 0
