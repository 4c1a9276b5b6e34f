"""Has Python take compiled modules in the place of their sources, if they were made of these."""

import os
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from dataplane.compiled.sources import DIGEST_FILE, FOLDER, digest

VARIABLE = "INTERLOCK_INTERPRETED"
"""Set to anything, it has the sources interpreted whatever was compiled."""


FILES: Final[dict[str, Path]] = {}
"""What is taken in its compiled form, by the modules' names."""


class Form(Enum):
    """What the data path runs as, and why."""

    COMPILED = "compiled"
    NOT_COMPILED = "interpreted; `make setup` compiles it where there is a C compiler"
    STALE = "interpreted, for its sources were edited since it was compiled; `make setup` does anew"
    CHOSEN = f"interpreted, as {VARIABLE} says"


class CompiledFinder(MetaPathFinder):
    """Finds what was compiled."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """By the modules' names."""
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Where a module is, if it was compiled."""
        file = self._files.get(fullname)
        if file is None:
            return None
        loader = ExtensionFileLoader(fullname, str(file))
        return spec_from_file_location(fullname, file, loader=loader)


def form() -> Form:
    """What the data path runs as, with these sources and what was compiled."""
    if os.environ.get(VARIABLE):
        return Form.CHOSEN
    if not DIGEST_FILE.exists():
        return Form.NOT_COMPILED
    return Form.COMPILED if DIGEST_FILE.read_text() == digest() else Form.STALE


def prefer_compiled() -> Form:
    """Take compiled modules from now on, if these are their sources; whether it is so."""
    found = form()
    if found is Form.COMPILED:
        FILES.update(_compiled_files())
        sys.meta_path.insert(0, CompiledFinder(FILES))
    return found


def _compiled_files() -> dict[str, Path]:
    suffix = EXTENSION_SUFFIXES[0]
    return {
        ".".join(file.relative_to(FOLDER).parts).removesuffix(suffix): file
        for file in FOLDER.rglob(f"*{suffix}")
    }
