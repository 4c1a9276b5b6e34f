"""One release of Kafka: broker, tools and MirrorMaker 2, ready to be started quickly.

Beside the jars the cache keeps two things that would cost time at every start:
what formatting a log directory writes, and the JVM's class archive of a broker. The archive halves
the processor time that a broker, or a command line tool, takes to start (2.9 s to 1.7 s), and its
pages are shared between the brokers.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Literal

from sandbox.artifacts import cached, download_jars, run
from sandbox.java import Java, find_java
from sandbox.ports import reserved_ports
from sandbox.probe import BrokerUp
from sandbox.process import Process, Program
from sandbox.progress import Report, silent
from sandbox.variables import inherited_without

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.24.3"
"""Since 4.0 Kafka's artifacts bring no logging backend (KAFKA-18466)."""

BOOTSTRAP_CHECKPOINT = "bootstrap.checkpoint"
"""Holds the release's feature levels; the same in every log directory that StorageTool formats."""

_CLASSES = "classes.jsa"
_JARS = (
    *(f"org.apache.kafka:{n}:{KAFKA_VERSION}" for n in ("kafka_2.13", "kafka-tools")),
    f"org.apache.kafka:connect-mirror:{KAFKA_VERSION}",
    *(f"org.apache.logging.log4j:{n}:{LOG4J_VERSION}" for n in ("log4j-slf4j-impl", "log4j-core")),
)


@dataclass(frozen=True)
class KafkaRelease:
    """Where the cache keeps it, and the Java that runs it."""

    java: Java
    jars: Path
    warm: Path
    """Folder of the bootstrap checkpoint and the class archive."""

    @property
    def bootstrap_checkpoint(self) -> Path:
        """What formatting writes into every log directory."""
        return self.warm / BOOTSTRAP_CHECKPOINT

    def command(
        self,
        main_class: str,
        *arguments: str,
        heap_mb: int = 256,
        log_level: Literal["INFO", "WARN"] = "WARN",
    ) -> list[str]:
        """Run one of its classes, a server or a tool."""
        return [
            self.java.path,
            f"-XX:SharedArchiveFile={self.warm / _CLASSES}",
            *self.java.options(heap_mb),
            f"-Dinterlock.log.level={log_level}",
            "-cp",
            class_path(self.jars),
            main_class,
            *arguments,
        ]


def kafka_release(report: Report = silent) -> KafkaRelease:
    """Kafka, downloaded and prepared if it is not in the cache.

    Raises:
        SandboxError: Java or Maven is missing, or an artifact cannot be had.
    """
    java = find_java()
    jars = cached(
        f"kafka-{KAFKA_VERSION}-jars",
        f"download Kafka {KAFKA_VERSION}",
        lambda folder: download_jars(_JARS, folder),
        report,
    )
    warm = cached(
        f"kafka-{KAFKA_VERSION}-java-{java.version}",
        "prepare Kafka for quick starts",
        lambda folder: _warm_up(folder, java, jars),
        report,
    )
    return KafkaRelease(java, jars, warm)


def class_path(jars: Path) -> str:
    """Class path of a folder of jars; the star is Java's, not the shell's."""
    return str(jars / "*")


def _warm_up(folder: Path, java: Java, jars: Path) -> None:
    """Format one log directory, run one broker on it, and keep what the two leave behind."""
    command = [java.path, *java.options(256), "-cp", class_path(jars)]
    with tempfile.TemporaryDirectory() as scratch, reserved_ports() as ports:
        port = ports.main_broker(0)
        properties, logs = Path(scratch) / "server.properties", Path(scratch) / "logs"
        properties.write_text(
            dedent(f"""\
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{ports.controller(port)}
            controller.listener.names=CONTROLLER
            listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{ports.controller(port)}
            listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
            log.dirs={logs}
            log.cleaner.dedupe.buffer.size=16777216
            """)
        )
        storage_tool = ("kafka.tools.StorageTool", "format", "-t", "A" * 22, "-c", str(properties))
        run([*command, *storage_tool], "Kafka's StorageTool failed")
        shutil.copy(logs / BOOTSTRAP_CHECKPOINT, folder)
        # The JVM writes the archive when the broker has stopped by itself.
        at_exit = f"-XX:ArchiveClassesAtExit={folder / _CLASSES}"
        broker = Process(
            Program(
                name="the broker that Kafka is prepared with",
                command=[command[0], at_exit, *command[1:], "kafka.Kafka", str(properties)],
                log=Path(scratch) / "broker.log",
                ready=BrokerUp(port, frozenset({1})),
                environment=inherited_without("KAFKA_", "CLASSPATH"),
                grace_s=60.0,
            )
        )
        broker.start()
        try:
            broker.wait_ready()
        finally:
            broker.stop()
