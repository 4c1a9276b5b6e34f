"""`python -m clients`: run the matrix in an environment of its own, and write its page."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from clients import target
from clients.catalogue import CLIENTS, CONNECT, STREAMS, Client
from clients.exercise import exercise
from clients.page import PAGE, Run, document
from clients.steps import Record
from sandbox.environment import Environment
from sandbox.errors import SandboxError
from sandbox.kafka_release import KAFKA_VERSION
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports

SECTIONS = {
    "Client libraries": CLIENTS,
    "Kafka Streams": (STREAMS,),
    "Kafka Connect, distributed": (CONNECT,),
}
PROFILE = Profile.FULL
"""Three brokers: a client that takes one for the other is noticed."""


def main() -> None:
    """Build all programs, start the environment, run them one after the other."""
    options = _options()
    wanted = {
        title: [c for c in clients if not options.only or c.name in options.only]
        for title, clients in SECTIONS.items()
    }
    unbuilt = {c.name: why for cs in wanted.values() for c in cs if (why := _unbuilt(c))}
    try:
        with reserved_ports() as ports, tempfile.TemporaryDirectory() as folder:
            planes = frozenset({Component.GATEWAYS})
            plan = Plan(folder=Path(folder), profile=PROFILE, ports=ports, components=planes)
            with Environment(plan) as environment:
                where = (target.direct if options.direct else target.gateway)(environment)
                began = time.monotonic()
                sections = {t: _run_all(cs, where, unbuilt) for t, cs in wanted.items() if cs}
                minutes = (time.monotonic() - began) / 60
    except SandboxError as error:
        sys.exit(f"clients: {error}")
    if not options.direct and not options.only:
        PAGE.write_text(_document(sections, minutes), encoding="utf-8")
    sys.exit(_exit_code(sections))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="clients", description=__doc__)
    parser.add_argument("--direct", action="store_true", help="without the gateway, as a control")
    names = [client.name for clients in SECTIONS.values() for client in clients]
    parser.add_argument("only", nargs="*", help=f"clients to run, of: {', '.join(names)}")
    options = parser.parse_args()
    if unknown := set(options.only) - set(names):
        parser.error(f"no client {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


def _unbuilt(client: Client) -> str:
    """Why a program cannot be built here; empty if it is ready."""
    print(f"preparing {client.title} {client.version}", flush=True)
    try:
        client.prepare()
    except SandboxError as error:
        return str(error)
    return ""


def _run_all(clients: Sequence[Client], where: target.Target, unbuilt: dict[str, str]) -> list[Run]:
    runs: list[Run] = []
    for client in clients:
        record = unbuilt.get(client.name) or exercise(client, where)
        print(f"{where.name}: {client.title} {client.version}: {_words(record)}", flush=True)
        runs.append((client, record))
    return runs


def _words(record: Record | str) -> str:
    if isinstance(record, str):
        return f"could not be built: {record}"
    failures = "".join(f"\n  {one.step}: {one.detail}" for one in record.failures)
    return f"{record.seconds:.0f} s{failures}"


def _document(sections: dict[str, list[Run]], minutes: float) -> str:
    cores = os.cpu_count() or 1
    kafka, brokers = KAFKA_VERSION, PROFILE.brokers
    return document(sections, kafka=kafka, brokers=brokers, minutes=minutes, cores=cores)


def _exit_code(sections: dict[str, list[Run]]) -> int:
    records = [record for runs in sections.values() for _, record in runs]
    return int(any(isinstance(r, str) or r.failures for r in records))


if __name__ == "__main__":
    main()
