"""Makes each client program ready to run: downloads and builds go to the sandbox's cache.

What is built is kept under a hash of its sources, so a program is built again when it changes.
"""

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sandbox.artifacts import cache_root, cached, download_jars
from sandbox.errors import SandboxError
from sandbox.java import find_java
from sandbox.kafka_release import KAFKA_VERSION, class_path, kafka_release
from sandbox.progress import Report, silent

_HERE: Final = Path(__file__).parent
_PYTHON: Final = _HERE / "python"
_REQUIREMENTS: Final = _PYTHON / "requirements.txt"

OLDEST_JAVA_CLIENT: Final = "2.8.2"
"""The Java program is compiled against it, and runs with all later ones."""

_SLF4J: Final = "org.slf4j:slf4j-simple:1.7.36"
_HEAP_MB: Final = 192


def java_exercise(version: str, *arguments: str, report: Report = silent) -> Sequence[str]:
    """The command of the Java program on one release of kafka-clients."""
    return [*_java(_java_client(version, report), "Exercise", report), *arguments]


def java_reader(version: str, report: Report = silent) -> Sequence[str]:
    """The command of a member of a consumer group, on one release of kafka-clients."""
    return _java(_java_client(version, report), "Reader", report)


def java_writer(version: str, report: Report = silent) -> Sequence[str]:
    """The command of a producer of numbered records, on one release of kafka-clients."""
    return _java(_java_client(version, report), "Writer", report)


def streams_program(report: Report = silent) -> Sequence[str]:
    """The command of the Streams application."""
    return _java(_streams_jars(report), "WordCount", report)


def connect_program(report: Report = silent) -> Sequence[str]:
    """The command that drives two Connect workers; the workers' own command follows it."""
    jars = f"{class_path(_file_connector(report))}:{class_path(kafka_release(report).jars)}"
    worker = [find_java().path, *find_java().options(_HEAP_MB), "-cp", jars]
    program = str(_HERE / "connect" / "distributed.py")
    return [sys.executable, program, *worker, "org.apache.kafka.connect.cli.ConnectDistributed"]


def own_python(program: str, *arguments: str) -> Sequence[str]:
    """The command of a Python program that needs nothing but what the tests need."""
    return [sys.executable, str(_PYTHON / program), *arguments]


def pinned_python(program: str, report: Report = silent) -> Sequence[str]:
    """The command of a Python program whose library has an environment of its own."""
    folder = cached(
        f"clients-python-{_hash([_REQUIREMENTS])}",
        "install the Python clients",
        _make_environment,
        report,
    )
    return [str(folder / "bin" / "python"), str(_PYTHON / program)]


def go_program(name: str, *arguments: str, report: Report = silent) -> Sequence[str]:
    """The command of one of the Go programs; all are built together."""
    sources = _HERE / "go"
    folder = _built("go", sources, _build_go, report)
    return [str(folder / name), *arguments]


def node_program(report: Report = silent) -> Sequence[str]:
    """The command of the Node program."""
    folder = _built("node", _HERE / "node", _install_node, report)
    return [_found("node", "nodejs"), str(folder / "kafkajs.js")]


def rust_program(report: Report = silent) -> Sequence[str]:
    """The command of the Rust program; librdkafka is compiled, which takes minutes."""
    return [str(_built("rust", _HERE / "rust", _build_rust, report) / "exercise")]


def installed_version(distribution: str) -> str:
    """The version of a library that the tests have."""
    return importlib.metadata.version(distribution)


def pinned_version(distribution: str) -> str:
    """The version of a library that has an environment of its own."""
    found = re.search(rf"^{distribution}==(\S+)", _REQUIREMENTS.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{_REQUIREMENTS} does not name {distribution}")
    return found[1]


# --- Java ----------------------------------------------------------------------------------------


def _java(jars: Path, main_class: str, report: Report) -> Sequence[str]:
    java = find_java()
    classes = _built("java", _HERE / "java", _compile_java, report)
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    path = f"{classes}:{class_path(jars)}"
    return [java.path, *java.options(_HEAP_MB), quiet, "-cp", path, main_class]


def _java_client(version: str, report: Report) -> Path:
    artifacts = [f"org.apache.kafka:kafka-clients:{version}", _SLF4J]
    return _jars(f"kafka-clients-{version}", artifacts, report)


def _streams_jars(report: Report) -> Path:
    artifacts = [f"org.apache.kafka:kafka-streams:{KAFKA_VERSION}", _SLF4J]
    return _jars(f"kafka-streams-{KAFKA_VERSION}", artifacts, report)


def _file_connector(report: Report) -> Path:
    artifacts = [f"org.apache.kafka:connect-file:{KAFKA_VERSION}"]
    return _jars(f"connect-file-{KAFKA_VERSION}", artifacts, report)


def _jars(name: str, artifacts: Sequence[str], report: Report) -> Path:
    return cached(name, f"download {name}", lambda to: download_jars(artifacts, to), report)


def _compile_java(sources: Path, folder: Path) -> None:
    javac = _found("javac", "default-jdk-headless")
    compilations = {
        "Exercise.java": _java_client(OLDEST_JAVA_CLIENT, silent),
        "Reader.java": _java_client(OLDEST_JAVA_CLIENT, silent),
        "Writer.java": _java_client(OLDEST_JAVA_CLIENT, silent),
        "WordCount.java": _streams_jars(silent),
    }
    for source, jars in compilations.items():
        path = f"{folder}:{class_path(jars)}"
        options = ("--release", "11", "-cp", path, "-sourcepath", ".", "-d", str(folder))
        _run([javac, *options, source], sources)


# --- Python, Go, Node, Rust ----------------------------------------------------------------------


def _make_environment(folder: Path) -> None:
    # The cache renames the folder when it is complete: only its python is ever called by path.
    venv.create(folder, with_pip=True, symlinks=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--require-hashes", "-r", str(_REQUIREMENTS)]
    _run([*pip, *options], _PYTHON)


def _build_go(sources: Path, folder: Path) -> None:
    go = _found("go", "golang")
    build = [go, "build", "-trimpath", "-mod=readonly"]
    _run([*build, "-o", f"{folder}/", "./..."], sources)
    older = ["-modfile=older.mod", "-o", f"{folder}/sarama-older", "./sarama"]
    _run([*build, *older], sources)


def _install_node(sources: Path, folder: Path) -> None:
    for file in sources.iterdir():
        shutil.copy(file, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    _run([_found("npm", "npm"), "ci", *options], folder)


def _build_rust(sources: Path, folder: Path) -> None:
    # Kept between builds: librdkafka alone takes minutes.
    target = cache_root() / "clients-rust-target"
    options = ("--locked", "--quiet", "--target-dir", str(target))
    _run([_found("cargo", "cargo"), "build", *options], sources)
    shutil.copy(target / "debug" / "exercise", folder)


def _built(
    language: str, sources: Path, build: Callable[[Path, Path], None], report: Report
) -> Path:
    files = sorted(path for path in sources.rglob("*") if path.is_file())
    name = f"clients-{language}-{_hash(files)}"
    title = f"build the {language} clients"
    return cached(name, title, lambda folder: build(sources, folder), report)


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _found(program: str, package: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SandboxError(f"no {program} on PATH (Debian: apt install {package})")
    return path


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        words = next((line for line in said if "error" in line.lower()), said[-1] if said else "")
        raise SandboxError(f"{Path(command[0]).name} {command[1]} failed: {words}")
