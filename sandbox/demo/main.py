"""`interlock sandbox demo`: the environment, the eleven steps, the bill, and the way back."""

import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from sandbox.configuration import ADMIN_PASSWORD
from sandbox.demo import console, load
from sandbox.demo.mirrored import wait_for_records
from sandbox.demo.shell import Shell
from sandbox.demo.steps import (
    CLUSTER_PROPERTIES,
    CREATE_TOPIC,
    Step,
    scenario,
    shifted,
)
from sandbox.environment import Environment
from sandbox.errors import SandboxError
from sandbox.plan import Plan
from sandbox.ports import Ports
from sandbox.process import wait_until

MIRROR_LIMIT = 90
"""Seconds that a new topic gets to appear on the other cluster."""

WARM_UP = 200
"""Records that the clients have produced and mirrored before the switch."""


class DemoFailedError(Exception):
    """A step did not do what the scenario says."""


def run_demo(port_offset: int = 0, *, secure: bool = False) -> None:
    """Run the scenario from nothing to nothing.

    Parameters
    ----------
    port_offset
        Added to every port, so that several environments can run at once.
    secure
        With TLS everywhere, clusters that want a log-in, and a second virtual cluster.

    Raises:
        SystemExit: 1 if a step fails or something cannot be started; the line says what.
    """
    # Of what happens inside the clients, only that counts which reaches the application.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    missing = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"interlock: the scenario's commands need {' and '.join(missing)}: install them")
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as folder:
        plan = Plan(folder=Path(folder), ports=Ports(port_offset), secure=secure)
        try:
            console.console.print("Starting two clusters, the mirror, and Interlock:")
            with Environment(plan, console.show_progress) as environment:
                console.show_note(
                    f"The console, while this runs: http://localhost:{plan.ports.admin_api(0)}/"
                    f" (user admin, password {ADMIN_PASSWORD})"
                )
                Demo(environment, Path(folder)).run()
        except (SandboxError, DemoFailedError) as error:
            sys.exit(f"interlock: {error}")
    console.console.print("\n[green]The scenario ran as it should.[/]")


class Demo:
    """One run of the scenario in an environment."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        """Run in a folder of one's own."""
        self._environment = environment
        self._ports = environment.plan.ports
        self._folder = folder
        self._shell = Shell(folder, environment.plan.tools)
        self._scenario = scenario(environment.security)

    def run(self) -> None:
        """All steps, with clients that run across the seventh; at the end the way back."""
        self._write_cluster_properties()
        for step in self._scenario.before_the_mirror:
            self._take(step)
        self._wait_for_mirror("_topicMappings", 1)
        self._wait_for_mirror("teamAusers", 2)
        if self._environment.security is not None:
            self._wait_for_mirror("teamBusers", 1)
        for step in self._scenario.on_failover:
            self._take(step)
        running, before, after = self._switch_under_load()
        for step in self._scenario.after_the_switch:
            self._take(step)
        self._present_the_bill(running, before, after)
        self._switch_back()

    def _write_cluster_properties(self) -> None:
        """What the tools need to look into clusters that want a log-in."""
        properties = self._environment.main.client_properties
        file = self._folder / CLUSTER_PROPERTIES
        file.touch(mode=0o600)
        file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))

    def _switch_under_load(self) -> tuple[load.Load, dict[str, int], dict[str, int]]:
        console.console.print()
        console.show_note("Three clients start, and stay: a Java console producer, an idempotent")
        console.show_note("librdkafka producer, and an aiokafka consumer group, on topic orders.")
        self._shell.run(shifted(CREATE_TOPIC.format(topic=load.TOPIC), self._ports))
        properties = self._folder / "teamA-sa.properties"
        tools, security = self._environment.plan.tools, self._environment.security
        with load.running(tools, properties, self._ports, security) as running:
            self._wait_for_mirror(load.PHYSICAL_TOPIC, WARM_UP)
            before = load.node_counters(self._ports)
            self._take(self._scenario.switch)
            produced = len(running.acknowledged)
            self._wait_until_produced(running, produced + WARM_UP)
            after = load.node_counters(self._ports)
        return running, before, after

    def _switch_back(self) -> None:
        self._take(self._scenario.reverse)
        began = time.monotonic()
        wait_until(self._is_reversed, "the mirror copies from failover", MIRROR_LIMIT)
        took = time.monotonic() - began
        console.show_note(f"MirrorMaker 2 copies from failover to main now ({took:.0f} s).")
        for step in self._scenario.switch_back:
            self._take(step)

    def _is_reversed(self) -> bool:
        answer = httpx.get(
            f"http://localhost:{self._ports.admin_api(0)}/api/v1/mirror",
            auth=("admin", "conduktor"),
        )
        answer.raise_for_status()
        return bool(answer.json()["reversal"]["phase"] == "reversed")

    def _wait_until_produced(self, running: load.Load, count: int) -> None:
        failover = self._environment.failover.librdkafka
        wait_for_records(failover, load.PHYSICAL_TOPIC, count, MIRROR_LIMIT)
        console.show_note(f"The clients have gone on: {len(running.acknowledged)} records by now.")

    def _wait_for_mirror(self, topic: str, count: int) -> None:
        failover = self._environment.failover.librdkafka
        took = wait_for_records(failover, topic, count, MIRROR_LIMIT)
        console.show_note(f"MirrorMaker 2 has brought {topic} to failover ({took:.0f} s).")

    def _take(self, step: Step) -> None:
        console.show_title(step.number, step.title)
        for written, check in step.commands:
            command = shifted(written, self._ports)
            console.show_command(command)
            outcome = self._shell.run(command)
            complaint = check(outcome)
            console.show_outcome(outcome, complaint)
            if complaint is not None:
                raise DemoFailedError(f"step {step.number} failed: {complaint}")

    def _present_the_bill(
        self, running: load.Load, before: dict[str, int], after: dict[str, int]
    ) -> None:
        switches = self._switches()
        cost = running.cost(self._environment.failover.librdkafka)
        closed = after["connections_closed"] - before["connections_closed"]
        held = after["requests_held"] - before["requests_held"]
        completed = switches[0]
        bill = {
            "switches in the event log": str(len(switches)),
            "milliseconds fenced": f"{completed['fenced_ms']:.0f}",
            "milliseconds from call to completion": f"{completed['total_ms']:.0f}",
            "requests held": str(held),
            "client connections closed": str(closed),
        }
        console.show_cost(cost, bill, running.errors)
        if cost.lost or cost.written_twice or closed or running.errors or len(switches) != 1:
            raise DemoFailedError("the switch did not go unnoticed: see the table above")

    def _switches(self) -> list[dict[str, Any]]:
        """Data of the completed switches, from the event log."""
        answer = httpx.get(
            f"http://localhost:{self._ports.admin_api(0)}/api/v1/events",
            params={"kind": "switch.completed"},
            auth=("admin", "conduktor"),
        )
        answer.raise_for_status()
        return [event["data"] for event in answer.json()["items"]]
