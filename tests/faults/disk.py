"""A small file system of its own, which can be filled up."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MIB = 1024 * 1024


class SmallDisk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def filled(self) -> Iterator[None]:
        """Leave no byte free."""
        ballast = self.folder / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                for size in (_MIB, 4096, 1):
                    _write_until_full(file.fileno(), b"\0" * size)
            yield
        finally:
            ballast.unlink()


def _write_until_full(file: int, block: bytes) -> None:
    try:
        while True:
            os.write(file, block)
    except OSError:
        return


@contextmanager
def small_disk(mib: int) -> Iterator[SmallDisk | None]:
    """Mount one; None if this user may not."""
    with tempfile.TemporaryDirectory(prefix="interlock-disk-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "tmpfs", place]
        if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
            yield None
            return
        try:
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)
