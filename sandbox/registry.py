"""Apicurio Registry: a schema registry with Confluent's API, in memory."""

from pathlib import Path

from sandbox import artifacts
from sandbox.java import find_java, java_command
from sandbox.probe import answers_http
from sandbox.process import Process, Program
from sandbox.variables import inherited_without

API_PATH = "/apis/ccompat/v7"
"""Where Confluent's API is; clients take it as part of `schema.registry.url`."""

HEAP_MB = 256


def registry_process(port: int, folder: Path, registry: artifacts.Registry) -> Process:
    """The registry on a port of the loopback address."""
    return Process(
        Program(
            name="schema-registry",
            command=java_command(
                find_java(),
                registry.class_path,
                "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.http.port={port}",
                "io.quarkus.runner.GeneratedMain",
                heap_mb=HEAP_MB,
            ),
            log=folder / "logs" / "schema-registry.log",
            ready=lambda: answers_http(port, f"{API_PATH}/subjects"),
            environment=inherited_without("QUARKUS_", "REGISTRY_", "CLASSPATH"),
        )
    )
