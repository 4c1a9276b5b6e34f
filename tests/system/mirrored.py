"""Environments whose mirror is run by `interlock mirrormaker`, and turned round by the switch."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from contract.mirror import PATH
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from tests.system.conftest import USERS
from tests.system.operator import Operator


@contextmanager
def mirrored(
    folder: Path,
    variables: Mapping[str, str],
    broker_properties: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Operator]:
    """Two clusters of one broker, two control planes, two gateways, and the mirror."""
    own = {
        "GATEWAY_ADMIN_API_USERS": msgspec.json.encode(USERS).decode(),
        "INTERLOCK_MIRROR_REVERSAL": "after_switch",
    }
    with reserved_ports() as ports:
        plan = Plan(
            folder=folder,
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS, Component.MIRROR}),
            control_plane_variables={**own, **variables},
            broker_properties=broker_properties or {},
        )
        with Environment(plan) as environment:
            yield Operator(environment)


def mirror(operator: Operator) -> Any:
    """What the control plane says of it."""
    return operator.call("GET", "/api/v1/mirror").json()


def turned_to(operator: Operator, source: str) -> bool:
    """Whether the mirror copies from that cluster, and was seen to."""
    newest = mirror(operator)["reversal"]
    assert newest is None or newest["phase"] != "failed", newest["cause"]
    return newest is not None and newest["source"] == source and newest["phase"] == "reversed"


def refusals(operator: Operator, to: str) -> dict[str, str]:
    """What stands in the way of a planned switch, by the name of the check."""
    plan = operator.call("POST", "/api/v1/switch-plans", json={"toCluster": to}).json()
    return {check["name"]: check["detail"] for check in plan["checks"] if not check["passed"]}


def ordered(operator: Operator) -> Any:
    """What the supervisor says that it was ordered to do."""
    supervisor = f"http://localhost:{operator.environment.plan.ports.mirror}{PATH}"
    secret = operator.environment.secrets.node_token
    return httpx.get(supervisor, headers={"authorization": f"Bearer {secret}"}).json()


@contextmanager
def halted(operator: Operator) -> Iterator[None]:
    """MirrorMaker 2 copies nothing for a while, and lives."""
    report = ordered(operator)
    os.killpg(report["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(report["pid"], signal.SIGCONT)
