"""The control plane process: `interlock controlplane`."""

import asyncio
import contextlib
import signal
import ssl
import sys
from collections.abc import Callable, Iterator

import pydantic
import structlog
import uvicorn
from litestar import Litestar
from sqlalchemy.exc import DBAPIError

from contract.certificates import UnusableCertificateError
from contract.clusters_file import ClustersFileError, selected_path
from contract.complaints import complaints
from contract.garbage import set_aside_what_stays
from contract.logs import configure_logs
from contract.renewed_context import RenewedContext
from contract.request_deadline import DeadlinedProtocol
from contract.server_certificate import ServerCertificate
from controlplane.api.access_log import record_accesses
from controlplane.api.app import create_app
from controlplane.coordinator.leading import lead_when_possible
from controlplane.plane import ControlPlane, open_plane
from controlplane.settings import Settings
from controlplane.store.database import LOST
from controlplane.store.follower import listen
from controlplane.store.migrate import SchemaError, migrate, require_schema
from controlplane.store.sessions import CHANNEL
from upstream.access import require_usable

_logger = structlog.get_logger()

_POLL_S = 0.5


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would end the process before the rest could close."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Run until told to stop.

    Raises:
        SystemExit: the configuration cannot be used, or the database cannot be reached.
    """
    try:
        settings = Settings()  # type: ignore[call-arg] # the values come from the environment
        _ = settings.control_cluster
        require_usable(selected_path(settings.gateway_backend_kafka_selector), settings.clusters)
    except pydantic.ValidationError as error:
        sys.exit(complaints(error))
    except ClustersFileError as error:
        sys.exit(f"interlock: {error}")
    configure_logs(settings.interlock_log_format)
    set_aside_what_stays()
    try:
        asyncio.run(_run_until_signalled(settings))
    except (SchemaError, UnusableCertificateError) as error:
        sys.exit(f"interlock: {error}")
    except DBAPIError as error:
        sys.exit(f"interlock: the database of DATABASE_URL does not let us in: {error.orig}")
    except OSError as error:
        sys.exit(f"interlock: cannot reach the database of DATABASE_URL: {error}")


async def _run_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for signalled in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signalled, stop.set)
    await run(settings, stop)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve, follow the log and stand for leader until told to stop."""
    url = settings.database_url.get_secret_value()
    await (migrate(url) if settings.interlock_migrate else require_schema(url))
    async with open_plane(settings) as plane, asyncio.TaskGroup() as tasks:
        app = create_app(plane)
        server = _Server(_uvicorn(app, settings, plane.certificate))
        background = [
            tasks.create_task(_follow(plane)),
            tasks.create_task(_listen(plane)),
            tasks.create_task(plane.copies.watch()),
            tasks.create_task(lead_when_possible(plane)),
            tasks.create_task(record_accesses(plane, app.state.accesses)),
            tasks.create_task(plane.issuer_keys.run()),
            tasks.create_task(_stop(plane, server, stop)),
        ]
        if plane.certificate is not None:
            background.append(tasks.create_task(plane.certificate.run()))
        await server.serve()
        for task in background:
            task.cancel()


async def _stop(plane: ControlPlane, server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    plane.ledger.close()
    server.should_exit = True


def _uvicorn(
    app: Litestar, settings: Settings, certificate: ServerCertificate | None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.gateway_bind_host,
        port=settings.gateway_http_port,
        http=DeadlinedProtocol,
        ssl_context_factory=_showing(certificate) if certificate is not None else None,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )


def _showing(certificate: ServerCertificate) -> Callable[..., ssl.SSLContext]:
    return lambda *_: RenewedContext.over(lambda: certificate.context, is_server=True)


async def _listen(plane: ControlPlane) -> None:
    hints = {"interlock_log": plane.written.beat, CHANNEL: plane.ledger.changed.beat}
    await listen(plane.settings.database_url.get_secret_value(), hints)


async def _follow(plane: ControlPlane) -> None:
    while True:
        try:
            await plane.ledger.follow()
        except LOST as error:
            _logger.warning("postgres.unreachable", detail=str(error))
        await plane.written.wait(_POLL_S)
