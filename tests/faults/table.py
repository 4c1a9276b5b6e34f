"""Every fault: how it is injected and mended, how long it lasts, how soon clients are served again.

Each is a context manager that is entered in the state that is wanted, and left when it has lasted.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sandbox.process import Process
from tests.faults.bed import Bed

OVER_A_LEASE_S = 8.0
"""Longer than a lease of 5 s, what a clock may drift meanwhile, and the margin of a second."""
REPEATS_S = 5.0
"""MirrorMaker 2 keeps its positions every second, and goes on from there after a crash: it repeats
what it copied since, and what it was copying."""
BUDGET_S = 20.0
"""Of a switch: then it has ended, one way or the other."""


class ImpossibleError(Exception):
    """This machine cannot bring the fault about."""


@dataclass(frozen=True)
class Situation:
    """Who is who when a fault is injected."""

    leader: Process
    """The control plane that leads, or that has recorded the newest event."""
    source: str
    """The cluster that is left, or that serves if there is no switch."""
    target: str


Injection = Callable[[Bed, Situation], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """One row of the table."""

    name: str
    inject: Injection
    lasts_s: float
    bound_s: float
    """Seconds, from the injection on, within which every client is served again."""
    repeats_copies: bool = False
    """Whether MirrorMaker 2 goes on from older positions, and may copy the newest records again."""


def _killed(who: Callable[[Bed, Situation], Process]) -> Injection:
    @contextmanager
    def inject(bed: Bed, at: Situation) -> Iterator[None]:
        process = who(bed, at)
        process.kill()
        yield
        process.restart(bed.clock.variables if process is bed.postgres else {}, timeout_s=120)

    return inject


def _stopped(who: Callable[[Bed, Situation], Process]) -> Injection:
    return lambda bed, at: bed.frozen(who(bed, at))


def _cut(way: Callable[[Situation], str], **directions: bool) -> Injection:
    @contextmanager
    def inject(bed: Bed, at: Situation) -> Iterator[None]:
        proxy = bed.proxies[way(at)]
        proxy.cut(**directions)
        yield
        proxy.mend()

    return inject


def _slow(way: Callable[[Situation], str], delay_s: float) -> Injection:
    @contextmanager
    def inject(bed: Bed, at: Situation) -> Iterator[None]:
        proxy = bed.proxies[way(at)]
        proxy.slow_down(delay_s)
        yield
        proxy.mend()

    return inject


@contextmanager
def _all_control_planes_killed(bed: Bed, _: Situation) -> Iterator[None]:
    for plane in bed.control_planes:
        plane.kill()
    yield
    for plane in bed.control_planes:
        plane.start()
    for plane in bed.control_planes:
        plane.wait_ready()


@contextmanager
def _control_planes_unreachable(bed: Bed, _: Situation) -> Iterator[None]:
    proxies = [bed.proxies["controlplane1"], bed.proxies["controlplane2"]]
    for proxy in proxies:
        proxy.cut()
    yield
    for proxy in proxies:
        proxy.mend()


@contextmanager
def _disk_full(bed: Bed, _: Situation) -> Iterator[None]:
    if bed.disk is None:
        raise ImpossibleError("a small file system can be mounted by root alone")
    with bed.disk.filled():
        yield
    if not bed.postgres.is_running():
        bed.postgres.start(bed.clock.variables)
    bed.postgres.wait_ready()


def _clock_stepped(seconds: int) -> Injection:
    @contextmanager
    def inject(bed: Bed, _: Situation) -> Iterator[None]:
        bed.clock.step(seconds)
        yield
        bed.clock.step(0)

    return inject


def _mirror(bed: Bed, _: Situation) -> Process:
    return bed.process("mirror-maker")


def _leader(_: Bed, at: Situation) -> Process:
    return at.leader


def _cluster_killed(
    name: str, which: Callable[[Situation], str], lasts_s: float, bound_s: float
) -> Fault:
    killed = _killed(lambda b, at: b.broker(which(at)))
    return Fault(name, killed, lasts_s, bound_s, repeats_copies=True)


FAULTS = (
    Fault("gateway killed", _killed(lambda b, _: b.process("gateway1")), 2.0, 20.0),
    Fault(
        "gateway stopped for longer than its lease",
        _stopped(lambda b, _: b.process("gateway1")),
        OVER_A_LEASE_S,
        OVER_A_LEASE_S + 10.0,
    ),
    Fault("gateways cannot reach any control plane", _control_planes_unreachable, 8.0, 20.0),
    Fault("leading control plane killed", _killed(_leader), 2.0, 15.0),
    Fault("leading control plane stopped", _stopped(_leader), OVER_A_LEASE_S, 20.0),
    Fault("all control planes killed", _all_control_planes_killed, 2.0, 20.0),
    Fault("Postgres killed", _killed(lambda b, _: b.postgres), 2.0, 20.0),
    Fault("Postgres stopped", _stopped(lambda b, _: b.postgres), OVER_A_LEASE_S, 25.0),
    Fault("Postgres slow: 200 ms", _slow(lambda _: "postgres", 0.2), 5.0, BUDGET_S + 10.0),
    Fault(
        "Postgres cut off: its answers are lost",
        _cut(lambda _: "postgres", requests=False),
        OVER_A_LEASE_S,
        30.0,
    ),
    Fault("Postgres cut off in both directions", _cut(lambda _: "postgres"), 8.0, 30.0),
    Fault("Postgres' disk full", _disk_full, 4.0, 30.0),
    Fault("clocks stepped forward by an hour", _clock_stepped(3600), 4.0, 15.0),
    Fault("clocks stepped back by an hour", _clock_stepped(-3600), 4.0, 15.0),
    _cluster_killed("old cluster killed", lambda at: at.source, 2.0, 45.0),
    _cluster_killed("new cluster killed", lambda at: at.target, 2.0, 45.0),
    Fault("old cluster cut off", _cut(lambda at: at.source), 6.0, 40.0),
    Fault(
        "old cluster cut off: its answers are lost",
        _cut(lambda at: at.source, requests=False),
        6.0,
        40.0,
    ),
    Fault("new cluster cut off", _cut(lambda at: at.target), 6.0, 40.0),
    _cluster_killed("cluster of the control topic killed", lambda _: "failover", 8.0, 50.0),
    Fault("mirror killed", _killed(_mirror), 2.0, 30.0, repeats_copies=True),
    Fault("mirror stopped", _stopped(_mirror), OVER_A_LEASE_S, 30.0),
    Fault(
        "new cluster slow, and with it the mirror: 200 ms",
        _slow(lambda at: at.target, 0.2),
        6.0,
        40.0,
    ),
)
