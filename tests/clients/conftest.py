"""One environment for all tests of clients: two clusters of one broker behind Interlock."""

from collections.abc import Iterator

import pytest

from clients import target
from clients.target import Target
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports


@pytest.fixture(scope="package")
def client_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Started when the first test asks for it, ended after the last."""
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("clients"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS}),
        )
        with Environment(plan) as environment:
            yield environment


@pytest.fixture(scope="package")
def gateway(client_environment: Environment) -> Target:
    """The gateway, as a tenant."""
    return target.gateway(client_environment)
