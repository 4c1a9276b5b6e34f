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
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.progress import Report, step

_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def cache_root() -> Path:
    """Where artifacts are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "interlock"


def cached(name: str, title: str, make: Callable[[Path], None], report: Report) -> Path:
    """A folder of the cache; made by `make`, as a step of that title, if it is not there yet."""
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


def download_jars(artifacts: Iterable[str], folder: Path) -> None:
    """Get jars (`group:artifact:version`) and all that they need at run time.

    Raises:
        SandboxError: Maven is missing, or cannot get them.
    """
    with tempfile.TemporaryDirectory() as project:
        pom = Path(project) / "pom.xml"
        pom.write_text(project_of(artifacts))
        _maven(
            f"--file={pom}",
            f"{_DEPENDENCY_PLUGIN}:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={folder}",
        )


def download_archive(artifact: str, folder: Path) -> None:
    """Get a `tar.gz` (`group:artifact:version:tar.gz:classifier`) and unpack it.

    Raises:
        SandboxError: Maven is missing, or cannot get it.
    """
    _maven(f"{_DEPENDENCY_PLUGIN}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        archive.unlink()


def run(command: Sequence[str], complaint: str) -> None:
    """Run a command to its end.

    Raises:
        SandboxError: it failed; the line begins with the complaint and ends with its reason.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reason = next((line for line in lines if "ERROR" in line), "it gave no reason")
        raise SandboxError(f"{complaint}: {reason.strip()}")


def project_of(artifacts: Iterable[str]) -> str:
    """A Maven project whose only content is what to download."""
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


def _maven(*arguments: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise SandboxError("no mvn on PATH: install Maven (Debian: apt install maven)")
    run(
        [maven, "--batch-mode", "--quiet", "-Dstyle.color=never", *arguments],
        "Maven could not download what the sandbox runs (can it reach its repository?)",
    )
