"""What a long event log costs: `make long-log EVENTS=1000000`; writes docs/long-log.md.

Each figure is taken in a process of its own, as that of a control plane or of the command would be.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.log_filling import fill
from benchmarks.log_history import ROUND, history
from controlplane.settings import Settings
from controlplane.store.migrate import migrate
from sandbox.ports import reserved_ports
from sandbox.postgres import Postgres, remove_data

PAGE = Path(__file__).parents[1] / "docs" / "long-log.md"
PROGRAM = Path(__file__).with_name("log_costs.py")
SHORT = 10_000
"""Events of the log that the long one is compared with."""


@contextmanager
def postgres() -> Iterator[str]:
    """A server of its own, with the schema of this release."""
    with tempfile.TemporaryDirectory() as folder, reserved_ports() as ports:
        server = Postgres(ports.postgres, Path(folder))
        try:
            server.initialise()
            server.process.start()
            server.process.wait_ready()
            asyncio.run(migrate(server.url))
            yield server.url
        finally:
            server.process.stop()
            remove_data(Path(folder))


def cost(of: str, url: str) -> dict[str, Any]:
    """One figure, or some, of `log_costs.py`."""
    print(of, flush=True)
    answer = subprocess.check_output([sys.executable, str(PROGRAM), of, url], text=True)
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    print(found, flush=True)
    return found


def measure(length: int) -> dict[str, Any]:
    events, versions = history(length), Counter[str]()
    every = Settings.model_fields["interlock_snapshot_every"].default
    with postgres() as url:
        found: dict[str, Any] = {"every": every}
        for name, upto in (("short", SHORT), ("long", length - every)):
            asyncio.run(fill(url, take(events, upto - sum(versions.values())), versions))
            found[name] = {what: cost(what, url) for what in ("start", "verify")}
        found["keep"] = cost("keep", url)
        asyncio.run(fill(url, events, versions))
        return found | {what: cost(what, url) for what in ("start", "verify", "pages")}


def take(events: Iterator[Any], number: int) -> Iterator[Any]:
    for _ in range(number):
        yield next(events)


def page(length: int, found: dict[str, Any]) -> str:
    made = (
        f"{length:,} events, with a switch in every {ROUND:,} and two changes each of"
        f" {length // 50:,} topics. Postgres and all else on one machine of two processors."
        " Processor time and memory are those of the one process, and hardly depend on what else"
        " runs there; the seconds that passed do."
    )
    today = datetime.now(UTC).date()
    parts = [
        ["# A long log"],
        [f"Made by `make long-log EVENTS={length}` on {today}; do not edit it."],
        [made],
        *starts(length, found),
        *walks(length, found),
        *shown_pages(found["pages"]),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def starts(length: int, found: dict[str, Any]) -> list[list[str]]:
    kept, every = found["keep"], found["every"]
    rows = [
        f"| all of {SHORT:,} events | {usage(found['short']['start'])} |",
        f"| all of {length - every:,} events | {usage(found['long']['start'])} |",
        f"| **a snapshot, and the {every:,} events since** | {usage(found['start'])} |",
    ]
    remark = (
        f"A snapshot has {kept['bytes'] / 2**20:.1f} MiB. The leader keeps one after every"
        f" {every:,} events: {1000 * kept['copy_s']:.0f} ms of work on its loop, and"
        f" {kept['seal_s']:.2f} s on a thread"
        " ([ADR 33](adr/0033-a-control-plane-starts-from-a-snapshot.md))."
    )
    return [
        ["## Start of a control plane, until it knows the log"],
        [
            "| what is read | processor time | passed | resident at most |",
            "|---|---|---|---|",
            *rows,
        ],
        [remark],
    ]


def walks(length: int, found: dict[str, Any]) -> list[list[str]]:
    rows = [
        f"| {SHORT:,} | {usage(found['short']['verify'])} |",
        f"| {length:,} | {usage(found['verify'])} |",
    ]
    return [
        ["## The walk over the chain (`interlock audit verify`)"],
        ["| events | processor time | passed | resident at most |", "|---|---|---|---|", *rows],
    ]


def usage(found: dict[str, Any]) -> str:
    return f"{found['cpu_s']:.1f} s | {found['wall_s']:.1f} s | {found['mib']:.0f} MiB"


def shown_pages(found: dict[str, Any]) -> list[list[str]]:
    rows = [
        f"| {name} | {events:,} | {1000 * cpu_s:.0f} ms | {1000 * wall_s:.0f} ms |"
        for name, (cpu_s, wall_s, events) in found["pages"].items()
    ]
    return [
        ["## A page of events"],
        ["| which | events | processor time | passed |", "|---|---|---|---|", *rows],
    ]


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, default=1_000_000)
    length = arguments.parse_args().events
    PAGE.write_text(page(length, measure(length)))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
