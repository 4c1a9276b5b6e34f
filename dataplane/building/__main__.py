"""Compiles the data path if there is anything new, and says what it is from now on.

Without a C compiler, or with one that fails, nothing is compiled and the sources are interpreted.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dataplane.building.hot_programs import modules
from dataplane.compiled.loading import Form, form
from dataplane.compiled.sources import DIGEST_FILE, FOLDER, LOOKED_AT, MODULES, ROOT, digest

_LIBRARY = "interlock_compiled"
"""The name of what all modules share: calls between them do not go through Python."""


def main() -> None:
    """Compile if need be, and tell."""
    if form() in {Form.NOT_COMPILED, Form.STALE}:
        try:
            _compile_anew()
        except OSError as error:  # the packages are somebody else's
            print(f"what is compiled cannot be put into {FOLDER}: {error}", file=sys.stderr)
    print(f"data path: {form().value}")


def _compile_anew() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    if shutil.which(os.environ.get("CC", "cc")) is None:
        return
    before, began = digest(), time.monotonic()
    print("compiling the data path", flush=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix=f".{_LIBRARY}-") as folder:
        sources = _sources_in(Path(folder) / "sources")
        # In a process of its own: a compiler says what it has to say on its own output.
        command = [sys.executable, "-m", "dataplane.building", folder, *sources]
        done = subprocess.run(
            command, cwd=Path(folder) / "sources", capture_output=True, text=True, check=False
        )
        built = Path(folder) / "built"
        if done.returncode or not built.is_dir():
            print(f"it cannot be compiled here:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return
        (built / DIGEST_FILE.name).write_text(before)
        shutil.rmtree(FOLDER, ignore_errors=True)  # somebody else may have been at it, too
        built.rename(FOLDER)
    print(f"{len(sources)} modules took {time.monotonic() - began:.0f} s")


def _sources_in(folder: Path) -> list[str]:
    """Put all that is needed into a folder; the files in there that are to be compiled."""
    for package in LOOKED_AT:
        shutil.copytree(ROOT / package, folder / package)
    shutil.copy(ROOT / "pyproject.toml", folder)
    programs = {f"{name}.py": source for name, source in modules().items()}
    for name, source in programs.items():
        (folder / name).write_text(source)
    return [str(Path(*module.split("."))) + ".py" for module in MODULES] + list(programs)


def build(folder: Path, files: list[str]) -> None:
    """Compile files, named as from here, into `built` in a folder."""
    # Only here: whoever runs the product has neither of them.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    extensions = mypycify(
        files, opt_level="1", debug_level="0", group_name=_LIBRARY, target_dir=str(folder / "c")
    )
    command = build_ext(Distribution({"name": _LIBRARY, "ext_modules": extensions}))
    command.build_lib = str(folder / "built")
    command.build_temp = str(folder / "objects")
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]), sys.argv[2:])
    else:
        main()
