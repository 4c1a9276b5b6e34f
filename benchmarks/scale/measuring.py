"""Measures one size, step by step; what comes first needs nothing of what comes later."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from benchmarks.scale import processes
from benchmarks.scale.clients import connections, make_groups, members
from benchmarks.scale.scene import Scene
from benchmarks.scale.writer import ShareWriter, fill

_ANSWERED_S = 2.0
"""After a switch: until what was held is answered."""

Figures = dict[str, float]
Say = Callable[[str], None]


def measured(scene: Scene, say: Say, *, forced: bool = True) -> tuple[Figures, list[str]]:
    """All figures, and what did not go as it should.

    Args:
        scene: at rest, with nothing in it.
        say: is told of each step.
        forced: whether a forced switch comes last.
    """
    figures: Figures = {}
    amiss: list[str] = []
    _topics(scene, figures, say)
    client = scene.site.client(0)
    say(f"filling {scene.size.partitions} partitions")
    fill(client, scene.size)
    make_groups(client, scene.size)
    with ExitStack() as using:
        using.enter_context(connections(client, scene.size))
        say("waiting until a switch would pass")
        scene.site.wait_for_mirror()
        _processes(scene, figures, "rest", say)
        using.enter_context(members(client, scene.size))
        writer = using.enter_context(ShareWriter(client, scene.size))
        say("waiting until a writer's records are acknowledged as they come")
        writer.wait_until_even()
        _processes(scene, figures, "use", say)
        _switches(scene, writer, figures, amiss, say)
        _log(scene, figures)
        _node(scene, figures, say)
        if forced:
            _forced(scene, figures, amiss, say)
    amiss += [f"a record was refused: {why}" for why in sorted(set(writer.failed))]
    return figures, amiss


def _topics(scene: Scene, figures: Figures, say: Say) -> None:
    say(f"creating {scene.size.topics} topics")
    with _timed(figures, "create_ms"):
        scene.create_topics()
    figures["create_ms"] *= 1000 / scene.size.topics
    with _timed(figures, "known_s"):
        scene.wait_until_known()
    with _timed(figures, "mirrored_s"):
        scene.wait_until_mirrored()
    figures["metadata_direct_ms"], figures["metadata_ms"] = scene.metadata_ms()
    figures["mappings_kib"] = scene.mappings_bytes() / 1024


def _processes(scene: Scene, figures: Figures, state: str, say: Say) -> None:
    say(f"looking at the processes, {state}")
    environment, age_s = scene.environment, 0.0
    leads = scene.leader()
    roles = {f"controlplane{leads + 1}": "leader", f"controlplane{2 - leads}": "other"}
    before = processes.sample(environment, list(roles))
    end = time.monotonic() + scene.size.sample_s
    while time.monotonic() < end:
        time.sleep(scene.size.sample_s / 15)
        age_s = max(age_s, scene.watch_age_s())
    taken = processes.between(before, processes.sample(environment, list(roles)))
    for process in environment.processes:
        role = roles.get(process.name, process.name)
        figures[f"cpu_{state}_{role}"] = taken.cores[process.name] * 100
        if process.pid is not None:
            figures[f"mib_{role}"] = processes.resident_mib(process.pid)
    if state == "use":
        figures["watch_age_s"] = age_s
        ports = environment.plan.ports
        for name, port in (("main", ports.main_broker(0)), ("failover", ports.failover_broker(0))):
            figures[f"read_{name}_kib_s"] = taken.received.get(port, 0.0) / 1024


def _switches(
    scene: Scene, writer: ShareWriter, figures: Figures, amiss: list[str], say: Say
) -> None:
    plans, fenced, totals, turned, events = [], [], [], [], []
    waits, waits_before = [], []
    for number in range(scene.size.switches):
        scene.site.wait_for_mirror()
        plans.append(scene.planned()[0])
        waits_before.append(writer.longest_wait_s())
        newest = scene.newest_event()
        report = scene.site.switch_to(scene.site.standby, "make scale")
        say(f"switch {number + 1}: {report['outcome']}, fenced for {report['fenced_ms']} ms")
        events = scene.events_of_switch(newest)
        if report["outcome"] != "completed":
            amiss.append(f"switch {number + 1} was {report['outcome']}: {report['cause']}")
            continue
        fenced.append(report["fenced_ms"] / 1000)
        totals.append(_took_s(report))
        time.sleep(_ANSWERED_S)
        waits.append(writer.longest_wait_s())
        began = time.monotonic()
        scene.site.wait_for_mirror()
        turned.append(time.monotonic() - began)
    figures["completed"] = len(fenced)
    figures["plan_s"] = statistics.median(plans)
    if fenced:
        figures["fenced_s"], figures["fenced_max_s"] = statistics.median(fenced), max(fenced)
        figures["total_s"], figures["wait_s"] = statistics.median(totals), max(waits)
        figures["wait_before_s"] = max(waits_before)
        figures["turned_s"] = statistics.median(turned)
        figures["event_kib"], figures["events_kib"] = max(events) / 1024, sum(events) / 1024


def _log(scene: Scene, figures: Figures) -> None:
    figures["records_kib"] = scene.records_bytes() / 1024


def _node(scene: Scene, figures: Figures, say: Say) -> None:
    say("starting a node again")
    node = scene.environment.process("gateway2")
    node.kill()
    with _timed(figures, "node_start_s"):
        node.start()
        node.wait_ready()
    if node.pid is not None:
        figures["node_start_cpu_s"] = processes.cpu_s(node.pid)


def _forced(scene: Scene, figures: Figures, amiss: list[str], say: Say) -> None:
    scene.site.wait_for_mirror()
    report = scene.site.switch_to(scene.site.standby, "make scale", forced=True)
    say(f"forced switch: {report['outcome']}, fenced for {report['fenced_ms']} ms")
    if report["outcome"] != "completed":
        amiss.append(f"the forced switch was {report['outcome']}: {report['cause']}")
        return
    figures["forced_fenced_s"] = report["fenced_ms"] / 1000
    figures["forced_total_s"] = _took_s(report)


def _took_s(report: dict[str, Any]) -> float:
    begin, end = (datetime.fromisoformat(report[at]) for at in ("requested_at", "ended_at"))
    return (end - begin).total_seconds()


@contextmanager
def _timed(figures: Figures, name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    figures[name] = time.monotonic() - began
