"""What the sandbox runs: resolved with Maven into a cache, once for every version.

The cache is `$XDG_CACHE_HOME/interlock` (default `~/.cache/interlock`). A folder appears there in
one rename when it is complete, so a download that was interrupted leaves nothing half done.
"""

import fcntl
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from sandbox.errors import SandboxError
from sandbox.java import find_java, java_command
from sandbox.progress import Report, silent, step

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.24.3"
"""Since 4.0 Kafka's artifacts bring no logging backend (KAFKA-18466)."""
REGISTRY_VERSION = "2.6.13.Final"
"""Apicurio's last archive with an embedded store on Maven Central."""

_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
BOOTSTRAP_CHECKPOINT = "bootstrap.checkpoint"


@dataclass(frozen=True)
class Kafka:
    """Broker, tools and MirrorMaker 2 in one folder of jars."""

    folder: Path

    @property
    def class_path(self) -> str:
        """Class path of everything; the star is Java's, not the shell's."""
        return str(self.folder / "libs" / "*")

    @property
    def bootstrap_checkpoint(self) -> Path:
        """What formatting writes into every log directory: the release's feature levels."""
        return self.folder / BOOTSTRAP_CHECKPOINT


@dataclass(frozen=True)
class Registry:
    """Apicurio Registry, unpacked."""

    folder: Path

    @property
    def class_path(self) -> str:
        """Class path of everything."""
        return f"{self.folder}/*{os.pathsep}{self.folder}/lib/*"


def kafka(report: Report = silent) -> Kafka:
    """Kafka, downloaded if it is not in the cache.

    Raises:
        SandboxError: Java or Maven is missing, or an artifact cannot be had.
    """
    name = f"kafka-{KAFKA_VERSION}"
    return Kafka(_cached(name, f"download Kafka {KAFKA_VERSION}", _make_kafka, report))


def registry(report: Report = silent) -> Registry:
    """The schema registry, downloaded if it is not in the cache.

    Raises:
        SandboxError: Maven is missing, or the artifact cannot be had.
    """
    name = f"apicurio-{REGISTRY_VERSION}"
    return Registry(_cached(name, f"download Apicurio {REGISTRY_VERSION}", _make_registry, report))


def cache_root() -> Path:
    """Where artifacts are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "interlock"


def _cached(name: str, title: str, make: Callable[[Path], None], report: Report) -> Path:
    root = cache_root()
    folder = root / name
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with step(title, report), (root / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():  # another process made it while this one waited
            return folder
        with tempfile.TemporaryDirectory(dir=root, prefix=f".{name}.") as unfinished:
            made = Path(unfinished) / "made"
            made.mkdir()
            make(made)
            made.rename(folder)
    return folder


def _make_kafka(folder: Path) -> None:
    pom = folder / "pom.xml"
    pom.write_text(_pom())
    _maven(
        "-f", str(pom), f"{_DEPENDENCY_PLUGIN}:copy-dependencies",
        "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'libs'}",
    )  # fmt: skip
    _format_once(folder)


def _make_registry(folder: Path) -> None:
    artifact = f"io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all"
    _maven(f"{_DEPENDENCY_PLUGIN}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        archive.unlink()


def _format_once(folder: Path) -> None:
    """Let Kafka format one log directory and keep the part that is the same in all of them.

    A run costs 1.5 s of JVM; `sandbox.kafka` writes the other part, which differs, for each broker.
    """
    logs = folder / "formatted"
    properties = folder / "format.properties"
    properties.write_text(
        dedent(f"""\
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:1
        controller.listener.names=CONTROLLER
        listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
        log.dirs={logs}
        """)
    )
    arguments = ("format", "-t", "A" * 22, "-c", str(properties))
    _run(
        java_command(
            find_java(),
            Kafka(folder).class_path,
            "kafka.tools.StorageTool",
            *arguments,
            heap_mb=256,
        ),
        "Kafka's StorageTool failed",
    )
    (logs / BOOTSTRAP_CHECKPOINT).rename(folder / BOOTSTRAP_CHECKPOINT)
    shutil.rmtree(logs)
    properties.unlink()


def _maven(*arguments: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise SandboxError("no mvn on PATH: install Maven (Debian: apt install maven)")
    find_java()
    _run([maven, "-B", "-q", *arguments], "Maven could not get the artifacts")


def _run(command: Sequence[str], complaint: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reason = next((line for line in lines if "ERROR" in line), "it gave no reason")
        raise SandboxError(f"{complaint}: {reason.strip()} (is the network reachable?)")


def _pom() -> str:
    """A Maven project whose only content is what to download."""
    artifacts = (
        *(f"org.apache.kafka:{name}:{KAFKA_VERSION}" for name in _KAFKA_ARTIFACTS),
        *(f"org.apache.logging.log4j:{name}:{LOG4J_VERSION}" for name in _LOG4J_ARTIFACTS),
    )
    dependencies = "\n".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
        "</dependency>".format(*artifact.split(":"))
        for artifact in artifacts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>\n'
        "<groupId>interlock</groupId><artifactId>sandbox</artifactId><version>1</version>\n"
        f"<packaging>pom</packaging><dependencies>\n{dependencies}\n</dependencies></project>\n"
    )


_KAFKA_ARTIFACTS = ("kafka_2.13", "kafka-tools", "connect-mirror")
_LOG4J_ARTIFACTS = ("log4j-slf4j-impl", "log4j-core")
