"""The sources of another commit, to be run beside those that are worked on.

They run with the packages that are installed here, and interpreted if they were never compiled.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dataplane.compiled.sources import PLACE

HERE: Final = Path(__file__).parents[1]
"""Those that are worked on."""


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """The sources of a commit, in a folder that is gone afterwards.

    Raises:
        CalledProcessError: there is no such commit here.
    """
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        git = ["git", "-C", str(HERE), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", tree, commit], check=True)
        if (tree / "dataplane" / "building").is_dir():
            # In the form in which it runs: else what was compiled since would be what is measured.
            command = [sys.executable, "-m", "dataplane.building"]
            environment = os.environ | compiled_apart(tree)
            subprocess.run(command, cwd=tree, env=environment, stdout=sys.stderr, check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)


def compiled_apart(tree: Path) -> Mapping[str, str]:
    """Has a tree keep what is compiled of it by itself; our own is where it always is."""
    return {PLACE: "" if tree == HERE else str(tree.with_name("compiled"))}


def run_from(tree: Path) -> Mapping[str, str]:
    """By which `python -m interlock` is that of a tree, whatever is installed or stands around."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(tree), **compiled_apart(tree)}
