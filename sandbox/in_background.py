"""What goes on in a thread of its own while something else is done."""

import threading
from collections.abc import Callable
from typing import Self


class InBackground:
    """Runs from when it is entered until it is left."""

    def __init__(self, run: Callable[[], None], name: str | None = None) -> None:
        """Not running yet; `run` goes on until `_stop` is set."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, wait for the end, and let go of what was used."""
        self._stop.set()
        self._thread.join()
        self._close()

    def _close(self) -> None:
        """Of most there is nothing to let go."""
