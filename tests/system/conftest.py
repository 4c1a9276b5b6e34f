"""Two one-broker clusters, two control planes and two gateways, for each file of tests."""

from collections.abc import Iterator

import pytest

from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from tests.system.operator import Operator


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("system"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS}),
        )
        with Environment(plan) as environment:
            yield Operator(environment)


@pytest.fixture
def vcluster(unique_name: str) -> str:
    """A virtual cluster of this test's own."""
    return f"{unique_name}-"
