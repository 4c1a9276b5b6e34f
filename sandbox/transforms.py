"""Builds the jar of `mirrormaker/plugins` from its source: `python -m sandbox.transforms`.

The jar is kept beside the source, as who runs MirrorMaker 2 need not have a compiler. The same
source gives the same bytes with the same release of the compiler (Java 17's).
"""

import shutil
import tempfile
from pathlib import Path
from typing import Final
from zipfile import ZipFile, ZipInfo

from mirrormaker.properties import PLUGINS, TRANSFORM
from sandbox.artifacts import run
from sandbox.errors import SandboxError
from sandbox.kafka_release import class_path, kafka_release

JAR: Final = PLUGINS / "interlock-transforms.jar"
_SOURCES: Final = PLUGINS.parent / "transforms"
_RELEASE: Final = "11"
"""Connect's plugins run on this and later versions of Java."""
_SERVICE: Final = "META-INF/services/org.apache.kafka.connect.transforms.Transformation"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def build(jar: Path) -> None:
    """Compile the transformations, and put them into a jar.

    Raises:
        SandboxError: there is no compiler, or it refuses.
    """
    compiler = shutil.which("javac")
    if compiler is None:
        raise SandboxError("no javac on PATH: install a JDK (Debian: apt install default-jdk)")
    sources = sorted(_SOURCES.glob("*.java"))
    with tempfile.TemporaryDirectory() as folder:
        options = ["-g:none", "--release", _RELEASE, "-cp", class_path(kafka_release().jars)]
        run(
            [compiler, *options, "-d", folder, *map(str, sources)],
            "the transformations could not be compiled",
        )
        classes = sorted(path for path in Path(folder).rglob("*.class"))
        with ZipFile(jar, "w") as archive:
            archive.writestr(ZipInfo(_SERVICE, _LONG_AGO), f"{TRANSFORM}\n")
            for path in classes:
                name = path.relative_to(folder).as_posix()
                archive.writestr(ZipInfo(name, _LONG_AGO), path.read_bytes())


if __name__ == "__main__":
    build(JAR)
