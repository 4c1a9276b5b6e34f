"""Apicurio Registry: a schema registry with Confluent's API, in memory."""

import os
from pathlib import Path

from sandbox.artifacts import cached, download_archive
from sandbox.java import find_java
from sandbox.probe import HttpUp
from sandbox.process import Process, Program
from sandbox.progress import Report, silent
from sandbox.variables import inherited_without

REGISTRY_VERSION = "2.6.13.Final"
"""The newest whose archive Maven repositories have; those of 3.x are not there."""

API_PATH = "/apis/ccompat/v7"
"""Where Confluent's API is; clients take it as part of `schema.registry.url`."""

HEAP_MB = 256


def registry_process(port: int, folder: Path, report: Report = silent) -> Process:
    """The registry on a port of the loopback address, downloaded if it is not in the cache.

    Raises:
        SandboxError: Java or Maven is missing, or the artifact cannot be had.
    """
    java = find_java()
    artifact = f"io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all"
    registry = cached(
        f"apicurio-{REGISTRY_VERSION}",
        f"download Apicurio Registry {REGISTRY_VERSION}",
        lambda empty: download_archive(artifact, empty),
        report,
    )
    return Process(
        Program(
            name="schema-registry",
            command=[
                java.path,
                *java.options(HEAP_MB),
                "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.http.port={port}",
                "-cp",
                f"{registry}/*{os.pathsep}{registry}/lib/*",
                "io.quarkus.runner.GeneratedMain",
            ],
            log=folder / "logs" / "schema-registry.log",
            ready=HttpUp(port, f"{API_PATH}/subjects"),
            address=f"http://localhost:{port}{API_PATH}",
            environment=inherited_without("QUARKUS_", "REGISTRY_", "CLASSPATH"),
        )
    )
