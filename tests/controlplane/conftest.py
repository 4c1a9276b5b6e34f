"""Control planes on real Postgres and Kafka."""

import asyncio
import base64
import contextlib
import os
import signal
import ssl
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from contract.clusters_file import ClusterProperties
from contract.records import CONTROL_TOPIC
from controlplane.main import run
from controlplane.publisher.topics import delete_and_wait
from controlplane.settings import Settings
from controlplane.store.database import open_engine
from controlplane.store.migrate import migrate
from tests.controlplane.fake_node import BELIEVED, NODE_TOKEN
from tests.controlplane.issuers import Provider, provider
from tests.environment.databases import own_database
from tests.environment.free_port import free_port

ADMIN = ("admin", "conduktor")
USERS = """
- {username: admin, password: conduktor, admin: true}
- {username: joe, password: joe}
"""


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[str]:
    """The name of a database with the schema of this release, to be copied and never used."""
    name = f"migrated_{uuid.uuid4().hex[:12]}"
    with asyncio.Runner() as runner:  # no loop of a test lives as long
        database = own_database(postgres_url, name)
        runner.run(migrate(runner.run(database.__aenter__())))
        yield name
        runner.run(database.__aexit__(None, None, None))


@pytest.fixture
async def database_url(postgres_url: str, unique_name: str, migrated: str) -> AsyncIterator[str]:
    """A database with the schema of this release, for this test alone."""
    async with own_database(postgres_url, unique_name, template=migrated) as url:
        yield url


@pytest.fixture
async def engine(database_url):
    """That database, reached as the application's role."""
    opened = open_engine(database_url)
    yield opened
    await opened.dispose()


@pytest.fixture
def clusters_file(clusters, tmp_path) -> Path:
    path = tmp_path / "clusters.yaml"
    path.write_text(
        f"""
config:
  main:
    bootstrap.servers: {clusters.main}
  failover:
    bootstrap.servers: {clusters.failover}
    gateway.roles: failover
"""
    )
    return path


@pytest.fixture
async def no_broadcast(clusters) -> None:
    """No control topic on its cluster: what other tests broadcast stands against an empty log."""
    properties = {"bootstrap.servers": clusters.failover}
    cluster = ClusterProperties(name="failover", role="failover", properties=properties)
    await delete_and_wait(cluster, CONTROL_TOPIC)


@pytest.fixture
def variables(database_url, clusters_file, no_broadcast) -> dict[str, str]:
    """What a control plane of this test is started with; it is alone unless told otherwise."""
    return {
        "DATABASE_URL": database_url,
        "GATEWAY_BACKEND_KAFKA_SELECTOR": f"file : {{ path: {clusters_file} }}",
        "GATEWAY_USER_POOL_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
        "INTERLOCK_NODE_TOKEN": NODE_TOKEN,
        "GATEWAY_ADMIN_API_USERS": USERS,
        "GATEWAY_BIND_HOST": "127.0.0.1",
        "INTERLOCK_CONTROL_CLUSTER": "failover",
        "INTERLOCK_LEASE_S": "1",
        "INTERLOCK_SWITCH_BUDGET_S": "20",
        "INTERLOCK_MIRROR_BUDGET_S": "6",
        "INTERLOCK_LOG_FORMAT": "console",
    }


@pytest.fixture(scope="session")
def issuer() -> Iterator[Provider]:
    """An OpenID Connect issuer for all tests of a worker."""
    with provider() as running:
        yield running


@dataclass
class Running:
    """A control plane that answers."""

    url: str
    client: httpx.AsyncClient
    pid: int | None = None
    exited: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.asynccontextmanager
async def in_process(
    variables: dict[str, str],
    *,
    is_up: str = "/health/ready",
    tls: ssl.SSLContext = BELIEVED,
    **changes: str,
) -> AsyncIterator[Running]:
    """A control plane in the test's own event loop, once it says that it is up.

    With another `tls` it is asked by HTTPS.
    """
    port, stop = free_port(), asyncio.Event()
    values = {k.lower(): v for k, v in (variables | changes).items()}
    settings = Settings(**values, gateway_http_port=port)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(settings, stop))
        try:
            async with _answering(port, is_up, tls) as running:
                yield running
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def as_process(variables: dict[str, str], **changes: str) -> AsyncIterator[Running]:
    """A control plane as a process of its own, for tests that kill it."""
    port = free_port()
    environment = os.environ | variables | changes | {"GATEWAY_HTTP_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interlock", "controlplane", env=environment
    )
    try:
        async with asyncio.TaskGroup() as tasks, _answering(port) as running:
            running.pid = process.pid
            tasks.create_task(_watch(process, running))
            yield running
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _watch(process: asyncio.subprocess.Process, running: Running) -> None:
    await process.wait()
    running.exited.set()


@contextlib.asynccontextmanager
async def _answering(
    port: int, is_up: str = "/health/ready", tls: ssl.SSLContext = BELIEVED
) -> AsyncIterator[Running]:
    url = f"{'http' if tls is BELIEVED else 'https'}://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, auth=ADMIN, timeout=60, verify=tls) as client:
        await eventually(lambda: _says_ok(client, is_up))
        yield Running(url, client)


async def _says_ok(client: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await client.get(path)).status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False


async def eventually(holds, within_s: float = 20.0) -> None:
    """Until something is true; fails after a time."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(0.02)
