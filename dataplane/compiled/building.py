"""Compiles the data path: `python -m dataplane.compiled.building`, which `make setup` does.

Without a C compiler, or with one that fails, nothing is compiled and the sources are interpreted.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dataplane.compiled.loading import Form, form
from dataplane.compiled.sources import DIGEST_FILE, FOLDER, MODULES, ROOT, digest

_LIBRARY = "interlock_compiled"
"""The name of what all modules share: calls between them do not go through Python."""


def main() -> None:
    """Compile if there is anything new; say what the data path is from now on."""
    if form() in {Form.NOT_COMPILED, Form.STALE}:
        _compile_anew()
    print(f"data path: {form().value}")


def _compile_anew() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    if shutil.which(os.environ.get("CC", "cc")) is None:
        return
    before, began = digest(), time.monotonic()
    print(f"compiling {len(MODULES)} modules of the data path", flush=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix=f".{_LIBRARY}-") as folder:
        # In a process of its own: a compiler says what it has to say on its own output.
        command = [sys.executable, "-m", "dataplane.compiled.building", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        built = Path(folder) / "built"
        if done.returncode or not built.is_dir():
            print(f"it cannot be compiled here:\n{done.stdout}{done.stderr}", file=sys.stderr)
            return
        (built / DIGEST_FILE.name).write_text(before)
        built.rename(FOLDER)
    print(f"it took {time.monotonic() - began:.0f} s")


def build(folder: Path) -> None:
    """Compile into `built` in a folder, from the root of the sources."""
    # Only here: whoever runs the product has neither of them.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    files = [str(Path(*module.split("."))) + ".py" for module in MODULES]
    extensions = mypycify(
        files, opt_level="2", debug_level="0", group_name=_LIBRARY, target_dir=str(folder / "c")
    )
    command = build_ext(Distribution({"name": _LIBRARY, "ext_modules": extensions}))
    command.build_lib = str(folder / "built")
    command.build_temp = str(folder / "objects")
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
    else:
        main()
