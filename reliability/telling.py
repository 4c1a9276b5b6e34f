"""What a long run says while it goes on."""

import sys
import time
from collections.abc import Callable


def teller() -> Callable[[str], None]:
    """Says a line, with the seconds since now in front."""
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:7.1f} s  {line}\n")
        sys.stdout.flush()

    return say
