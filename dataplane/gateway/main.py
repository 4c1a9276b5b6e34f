"""`interlock gateway`: one node, from its settings to its last connection."""

import asyncio
import resource
import signal
import sys
import uuid
from collections.abc import Iterator

import pydantic
import structlog
import uvloop

from contract.certificates import UnusableCertificateError
from contract.clusters_file import ClustersFileError, selected_path
from contract.complaints import complaints
from contract.fold import ControlState
from contract.garbage import set_aside_what_stays
from contract.logs import configure_logs
from dataplane.gateway.gateway import Gateway
from dataplane.gateway.http import Server, application, server
from dataplane.gateway.inventory_telling import tell_clients
from dataplane.gateway.metrics import NodeCollector
from dataplane.gateway.topic_telling import tell_topics
from dataplane.node.control_planes import ControlPlanes
from dataplane.node.follower import Follower, OutdatedError
from dataplane.settings import GatewaySettings
from dataplane.virtual.programs import compile_all
from upstream.access import access_to, require_usable

DRAIN_LIMIT = 5.0
"""Seconds that writes get to be answered when the node is told to stop."""

log = structlog.get_logger()


class StoppedError(Exception):
    """The node was told to stop."""


def main() -> None:
    """Run a node until SIGTERM or SIGINT.

    Raises:
        SystemExit: the configuration cannot be used, or another process took the node's id.
    """
    try:
        settings = GatewaySettings()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - from the environment
        require_usable(selected_path(settings.backend_selector), settings.clusters)
    except pydantic.ValidationError as error:
        sys.exit(complaints(error))
    except (ClustersFileError, LookupError) as error:
        sys.exit(f"interlock: {error}")
    configure_logs(settings.log_format)
    allow_connections()
    failures: list[BaseException] = []
    try:
        uvloop.run(_run(settings))
    except* (OutdatedError, OSError, UnusableCertificateError) as group:
        failures += leaves(group)
    if failures:
        sys.exit(f"interlock: {failures[0]}")


def allow_connections() -> None:
    """Use as many open files as the host allows: a client takes two, one to its broker."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def leaves(group: BaseException) -> Iterator[BaseException]:
    """The exceptions that the groups within groups are about."""
    if isinstance(group, BaseExceptionGroup):
        for inner in group.exceptions:
            yield from leaves(inner)
    else:
        yield group


async def _run(settings: GatewaySettings) -> None:
    incarnation = str(uuid.uuid4())
    structlog.contextvars.bind_contextvars(node=settings.node_id)
    control = ControlState()
    gateway = Gateway(settings, control)
    token = settings.node_token.get_secret_value()
    tls = settings.control_planes_tls
    async with ControlPlanes(settings.control_plane_urls, token, tls) as control_planes:
        follower = Follower(
            node_id=settings.node_id,
            incarnation=incarnation,
            control=control,
            control_planes=control_planes,
            control_client=access_to(settings.control_topic_cluster).client_options,
            gateway=gateway,
            sealing_keys=settings.seal.keys if settings.seal is not None else (),
        )
        gateway.tell = follower.take
        compile_all()
        set_aside_what_stays()
        log.info("node starts", incarnation=incarnation, group=settings.cluster_id)
        await _serve(settings, gateway, follower, control_planes)
        await gateway.close()
        await follower.leave()
    log.info("node stopped")


async def _serve(
    settings: GatewaySettings, gateway: Gateway, follower: Follower, control_planes: ControlPlanes
) -> None:
    """Run all parts until a signal comes or one of them fails."""
    app = application(
        lambda: any(s.phase == "serving" for s in follower.state.standings),
        NodeCollector(gateway, follower),
    )
    http = server(app, settings.bind_host, settings.http_port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(http.serve())
            tasks.create_task(follower.run())
            tasks.create_task(gateway.run())
            tasks.create_task(tell_clients(settings.node_id, gateway.inventory, control_planes))
            tasks.create_task(tell_topics(settings.node_id, gateway.topic_facts, control_planes))
            tasks.create_task(_stop_in_order(stop, gateway, http))
    except* StoppedError:
        log.info("node was told to stop")


async def _stop_in_order(stop: asyncio.Event, gateway: Gateway, http: Server) -> None:
    """Wait for the signal, let the writes in flight be answered, then end everything.

    Raises:
        StoppedError: always; it is what ends the other parts.
    """
    await stop.wait()
    await gateway.drain(DRAIN_LIMIT)
    http.should_exit = True
    raise StoppedError
