"""One tenant attacks for a while, another writes, and a planned switch is made every minute."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from reliability.attack.probe import Probed
from reliability.attack.watching import Watch
from reliability.site import VCLUSTER, Site
from sandbox.ports import PAIR

ATTACKER: Final = "thief"
_TOPIC: Final = "vault"
_EVERY_S: Final = 60.0
_MARGIN_S: Final = 1.0
"""After the end of a fence: until what was held is written."""


@dataclass(frozen=True)
class Switched:
    """One switch under attack."""

    report: dict[str, Any]
    fence: tuple[float, float]
    """When it began and when clients were served again, by the monotonic clock."""

    @property
    def completed(self) -> bool:
        """Whether it was neither refused nor undone."""
        return bool(self.report["outcome"] == "completed")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """All that was seen."""

    seconds: float
    switches: list[Switched]
    refusals: list[str]
    """Of switches that were not begun: what stood in the way."""
    probed: Probed
    attacked: Counter[str]
    watch: Watch
    quiet: Probed
    """The same probe before the attack."""
    load: float
    """The machine's load average of the last minute of the attack."""

    def waits_s(self) -> list[float]:
        """The victim's waits outside of fences, sorted."""
        return sorted(w for sent, w in self.probed.waits if not self._is_fenced(sent, sent + w))

    def unleased(self) -> int:
        """Looks outside of fences that found a node without a lease: in one, each needs a new."""
        return sum(not self._is_fenced(at, at) for at in self.watch.unleased)

    def _is_fenced(self, begin: float, end: float) -> bool:
        """Whether any of this time is in a fence, or just behind one."""
        fences = (one.fence for one in self.switches)
        return any(end >= fenced and begin <= over + _MARGIN_S for fenced, over in fences)


@dataclass
class _Processes:
    """The victim and its attackers."""

    site: Site
    seconds: float
    token: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def attack(self) -> None:
        for gateway in PAIR:
            port = self.site.environment.plan.ports.gateway(gateway)
            words = (str(port), self.token, str(self.seconds), f"seed-{gateway}", VCLUSTER)
            self.running.append(_process("attacker", *words))

    def outcome(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for process in self.running:
            out, _ = process.communicate(timeout=120)
            total.update(msgspec.json.decode(out, type=dict[str, int]))
        return total


def run(site: Site, seconds: float, say: Callable[[str], None]) -> Trial:
    """Attack for so many seconds.

    Args:
        site: where.
        seconds: how long.
        say: is told of each switch.
    """
    site.create_topic(_TOPIC, 1)
    site.wait_for_mirror()
    with _probing(site) as quiet:
        time.sleep(min(30.0, seconds / 4))
    say(f"without an attack: {len(quiet.result.waits)} records")
    processes = _Processes(site, seconds, site.token_of(ATTACKER))
    switches: list[Switched] = []
    refusals: list[str] = []
    began = time.monotonic()
    with Watch.over(site) as watch, _probing(site) as probing:
        processes.attack()
        while time.monotonic() - began < seconds - _EVERY_S / 2:
            time.sleep(_EVERY_S)
            try:
                switches.append(_switch(site))
                say(f"switch {len(switches)}: {switches[-1].report['outcome']}")
            except RuntimeError as refused:
                refusals.append(str(refused))
                say(f"refused: {refused}")
        attacked = processes.outcome()
        load = os.getloadavg()[0]
    return Trial(
        seconds=time.monotonic() - began,
        switches=switches,
        refusals=refusals,
        probed=probing.result,
        attacked=attacked,
        watch=watch,
        quiet=quiet.result,
        load=load,
    )


def _switch(site: Site) -> Switched:
    since = time.monotonic()
    report = site.switch_to(site.standby, "under attack")
    ended = time.monotonic()
    offset = datetime.now(UTC).timestamp() - ended
    fenced_at = report.get("fencedAt")
    begin = datetime.fromisoformat(fenced_at).timestamp() - offset if fenced_at else since
    return Switched(report, (begin, ended))


@dataclass
class _Probing:
    """A probe that runs, or has run."""

    process: subprocess.Popen[bytes]
    result: Probed = field(default_factory=lambda: Probed([], 0))


@contextmanager
def _probing(site: Site) -> Iterator[_Probing]:
    port = site.environment.plan.ports.gateway(0)
    probing = _Probing(_process("probe", str(port), site.token_of(VCLUSTER), _TOPIC))
    try:
        yield probing
    finally:
        out, _ = probing.process.communicate(b"", timeout=120)
        probing.result = msgspec.json.decode(out, type=Probed)


def _process(module: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"reliability.attack.{module}", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
