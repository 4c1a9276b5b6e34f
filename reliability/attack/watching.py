"""What the processes under attack look like from outside: memory, and leases of nodes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from reliability.site import Site
from sandbox.ports import PAIR

_EVERY_S: Final = 1.0
_WATCHED: Final = tuple(
    f"{kind}{index + 1}" for kind in ("gateway", "controlplane") for index in PAIR
)


@dataclass
class Watch:
    """What was seen so far."""

    most_mib: dict[str, int] = field(default_factory=dict)
    """By process, the most memory that it held. Each worker of a gateway is one."""
    unleased: list[float] = field(default_factory=list)
    """When a look found a node without a lease, by the monotonic clock."""
    unanswered: int = 0
    """Looks that the control plane did not answer."""
    looks: int = 0

    @classmethod
    @contextmanager
    def over(cls, site: Site) -> Iterator["Watch"]:
        """Look every second until it is left."""
        watch, stop = cls(), threading.Event()

        def again_and_again() -> None:
            while not stop.wait(_EVERY_S):
                watch.look(site)

        watching = threading.Thread(target=again_and_again)
        watching.start()
        try:
            yield watch
        finally:
            stop.set()
            watching.join()

    def look(self, site: Site) -> None:
        """Look once."""
        self.looks += 1
        for name in _WATCHED:
            pid = site.environment.process(name).pid
            used = _resident_mib(pid) if pid is not None else 0
            self.most_mib[name] = max(self.most_mib.get(name, 0), used)
        try:
            self.unleased += [time.monotonic()] * bool(site.unleased())
        except (RuntimeError, httpx.HTTPError):
            self.unanswered += 1


def _resident_mib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmRSS:"))
    return next((int(words[1]) // 1024 for words in lines), 0)
