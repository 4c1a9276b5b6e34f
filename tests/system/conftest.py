"""Two one-broker clusters, two control planes and two gateways, for each file of tests."""

from collections.abc import Iterator

import msgspec
import pytest

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from tests.system.inspection import inspect
from tests.system.operator import ADMIN, VIEWER, Operator

USERS = [
    {"username": ADMIN[0], "password": ADMIN[1], "admin": True},
    {"username": VIEWER[0], "password": VIEWER[1], "admin": False},
]
VARIABLES = {
    "GATEWAY_ADMIN_API_USERS": msgspec.json.encode(USERS).decode(),
    "INTERLOCK_MIRROR_BUDGET_S": "12",
}
"""The mirror's budget is short: what is waited for in these tests comes at once or never.

A switch keeps its own: on a busy machine, the start of another control plane is part of it.
"""


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The environment of one file. What it leaves is inspected at its end: log and log files."""
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("system"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS}),
            control_plane_variables=VARIABLES,
        )
        with Environment(plan) as environment:
            operator = Operator(environment)
            yield operator
            inspect(operator)


@pytest.fixture
def vcluster(unique_name: str, operator: Operator) -> Iterator[str]:
    """A virtual cluster of this test's own, whose topics are gone afterwards."""
    name = f"{unique_name}-"
    yield name
    operator.forget(name)
