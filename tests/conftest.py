"""What all tests share: real Kafka and Postgres, started once for a worker when first asked for."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dataplane import FORM
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import Ports, reserved_ports
from tests.environment.backends import Backend, Clusters, Processes
from tests.environment.databases import own_database
from tests.environment.secure import SecureBroker, secure_broker

# A test that fails because the machine is busy tells nothing: no example has a time limit.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_OF_MIRRORS = frozenset({"test_mirror", "test_mirror_plan", "test_console", "test_scale"})
"""Modules of tests that start mirrors, or take as long."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--provider",
        choices=("processes", "containers"),
        default="processes",
        help="where Kafka and Postgres come from; containers need an engine, e.g. Docker",
    )
    parser.addoption(
        "--console-shots",
        metavar="FOLDER",
        help="keep pictures of the console's pages there",
    )


def pytest_report_header() -> str:
    return f"data path: {FORM.value}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers one has all tests that share servers, others those with their own.

    Both wait for most of their time, so two go well beside each other on two processors; with three
    the processors are what everything waits for, and twice as long. What a mirror is started for is
    a group of its own: it takes as long as all the rest, and none should be left alone at the end.
    """
    for item in items:
        if item.get_closest_marker("environment") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    if "backend" in getattr(item, "fixturenames", ()):
        return "shared servers"
    return "mirrors" if item.path.stem in _OF_MIRRORS else "servers of their own"


@pytest.fixture(scope="session", autouse=True)
def _as_installed() -> Iterator[None]:
    """What tests start has no hypothesis, as little as where the product is installed.

    kio registers its types with it wherever it is: a quarter of a second of each start.
    """
    folder = Path(__file__).parent / "environment" / "as_installed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def shared_ports() -> Iterator[Ports]:
    """Ports of the servers that all tests share."""
    with reserved_ports() as ports:
        yield ports


@pytest.fixture(scope="session")
def backend(
    request: pytest.FixtureRequest,
    shared_ports: Ports,
    tmp_path_factory: pytest.TempPathFactory,
) -> Backend:
    if request.config.getoption("--provider") == "containers":
        from tests.environment.containers import Containers  # noqa: PLC0415 - slow to import

        return Containers(shared_ports)
    return Processes(shared_ports, tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="session")
def clusters(backend: Backend) -> Iterator[Clusters]:
    """Two clusters of one broker each, for all tests of a worker: use `unique_name` for topics."""
    with backend.clusters() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(backend: Backend) -> Iterator[str]:
    """A Postgres server for all tests of a worker, as one that may create databases and roles."""
    with backend.postgres() as url:
        yield url


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Two control planes and two gateways on two clusters of one broker, for this module alone.

    Its processes can be killed, paused and restarted.
    """
    planes = frozenset({Component.CONTROL_PLANES, Component.GATEWAYS})
    with reserved_ports() as ports:
        folder = tmp_path_factory.mktemp("environment")
        plan = Plan(folder=folder, profile=Profile.SMALL, ports=ports, components=planes)
        with Environment(plan) as running:
            yield running


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A cluster that wants a log-in, for this module alone."""
    with (
        reserved_ports() as ports,
        secure_broker(tmp_path_factory.mktemp("secure"), ports) as broker,
    ):
        yield broker


@pytest.fixture
async def empty_database(postgres_url: str, unique_name: str) -> AsyncIterator[str]:
    """The URL of an empty database for this test alone."""
    async with own_database(postgres_url, unique_name) as url:
        yield url


@pytest.fixture
def unique_name() -> str:
    """A name for a topic, group, database or virtual cluster that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
