"""`interlock mirrormaker`: takes orders and runs MirrorMaker 2, until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

import pydantic
import structlog
import uvicorn

from contract.clusters_file import ClustersFileError
from contract.complaints import complaints
from contract.request_deadline import DeadlinedProtocol
from mirrormaker.app import create_app
from mirrormaker.child import Child
from mirrormaker.properties import parse_properties
from mirrormaker.settings import MirrorMakerSettings


class _Server(uvicorn.Server):
    """Leaves the signals to us: the child is to be stopped first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Run until told to stop.

    Raises:
        SystemExit: the configuration cannot be used.
    """
    try:
        settings = MirrorMakerSettings()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - from the environment
        child = _child(settings)
    except pydantic.ValidationError as error:
        sys.exit(complaints(error))
    except (ClustersFileError, OSError) as error:
        sys.exit(f"interlock: {error}")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(_run(settings, child))


def _child(settings: MirrorMakerSettings) -> Child:
    file = settings.interlock_mirror_properties
    given = parse_properties(file.read_text()) if file is not None else {}
    return Child(settings.command, settings.clusters, given, settings.interlock_mirror_folder)


async def _run(settings: MirrorMakerSettings, child: Child) -> None:
    app = create_app(child, settings.interlock_node_token.get_secret_value())
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.interlock_mirror_host,
            port=settings.interlock_mirror_port,
            http=DeadlinedProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
        )
    )

    def stop() -> None:
        server.should_exit = True

    for signalled in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signalled, stop)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(child.keep_running())
        try:
            await server.serve()
        finally:
            keeping.cancel()
            await child.close()
