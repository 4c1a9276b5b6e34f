"""The environment that faults are injected into: every way between its parts has a proxy."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reliability.site import Site
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import PAIR, reserved_ports
from sandbox.postgres import Postgres, remove_data
from sandbox.process import POLL_S, Process
from tests.faults.clock import SteppableClock
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.proxy import FaultProxy
from tests.system.operator import Operator

QUIESCE_S = 3
"""Seconds that groups have to come to rest: as long as two heartbeats are apart, so that cells are
short. For about half of them that is too little."""
_DISK_MIB = 700
_VARIABLES = {
    "INTERLOCK_SWITCH_BUDGET_S": "20",
    "INTERLOCK_MIRROR_BUDGET_S": "10",
    "INTERLOCK_QUIESCE_BUDGET_S": f"{QUIESCE_S}",
    "INTERLOCK_MIRROR_REVERSAL": "after_switch",
}


class Bed:
    """Two clusters, a mirror, Postgres, two control planes and two gateways."""

    def __init__(
        self,
        environment: Environment,
        postgres: Process,
        proxies: dict[str, FaultProxy],
        clock: SteppableClock,
        disk: SmallDisk | None,
    ) -> None:
        self.operator = Operator(environment)
        self.site = Site(environment)
        self.postgres = postgres
        self.proxies = proxies
        """By what they stand before: main, failover, postgres, controlplane1, controlplane2."""
        self.clock = clock
        self.disk = disk
        """None if this user may not mount one."""
        self.control_planes = [self.operator.control_plane(index) for index in PAIR]
        self._frozen: set[str] = set()
        self._let_go = threading.Event()

    def process(self, name: str) -> Process:
        """One process by its name."""
        return self.operator.environment.process(name)

    def broker(self, cluster: str) -> Process:
        """The only broker of a cluster."""
        return self.operator.cluster(cluster).brokers[0]

    def leader(self) -> int | None:
        """Index of the control plane that leads; None if nobody says so."""
        for index in PAIR:
            try:
                if self.operator.call("GET", "/health/ready", index, timeout=2).json()["leading"]:
                    return index
            except (OSError, ValueError, KeyError):
                continue
        return None

    def held(self) -> Process | None:
        """The control plane that has stopped itself in the state that is wanted."""
        return next((plane for plane in self.control_planes if is_stopped(plane)), None)

    @contextmanager
    def frozen(self, process: Process) -> Iterator[None]:
        """A process is stopped, and nobody but this continues it."""
        self._frozen.add(process.name)
        process.pause()
        try:
            yield
        finally:
            self._frozen.discard(process.name)
            process.resume()

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Control planes that stop themselves are continued at once."""
        ended = threading.Event()

        def keep_going() -> None:
            while not ended.wait(POLL_S / 2):
                for plane in self.control_planes:
                    if plane.name not in self._frozen and is_stopped(plane):
                        plane.resume()

        thread = threading.Thread(target=keep_going, name="keep-going")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def is_stopped(process: Process) -> bool:
    """Whether a process stands still because of a SIGSTOP."""
    try:
        status = Path(f"/proc/{process.pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "T"


@contextmanager
def open_bed(stop_at: str | None) -> Iterator[Bed]:
    """Start everything; control planes stop themselves after an event of the kind `stop_at`."""
    with ExitStack() as cleanup:
        folder = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="interlock-faults-"))
        )
        folder.chmod(0o755)
        clock = SteppableClock(folder)
        ports = cleanup.enter_context(reserved_ports())
        disk = cleanup.enter_context(small_disk(_DISK_MIB))
        home = disk.folder if disk is not None else folder / "database"
        postgres = Postgres(ports.postgres, home)
        cleanup.callback(remove_data, home)
        postgres.initialise()
        cleanup.callback(postgres.process.stop)
        postgres.process.start(clock.variables)
        postgres.process.wait_ready()
        servers = {
            "main": ports.main_broker(0),
            "failover": ports.failover_broker(0),
            "postgres": ports.postgres,
            "controlplane1": ports.admin_api(0),
            "controlplane2": ports.admin_api(1),
        }
        proxies = {name: cleanup.enter_context(FaultProxy(port)) for name, port in servers.items()}
        planes = ",".join(f"http://127.0.0.1:{proxies[f'controlplane{i + 1}'].port}" for i in PAIR)
        plan = Plan(
            folder=folder / "environment",
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.MIRROR, Component.GATEWAYS}),
            database_url=postgres.url.replace(
                f":{ports.postgres}/", f":{proxies['postgres'].port}/"
            ),
            broker_properties={
                name: {"advertised.listeners": f"PLAINTEXT://localhost:{proxies[name].port}"}
                for name in ("main", "failover")
            },
            control_plane_variables={
                **_VARIABLES,
                **clock.variables,
                **({"INTERLOCK_STOP_AT": stop_at} if stop_at else {}),
            },
            gateway_variables={"INTERLOCK_CONTROL_PLANES": planes, **clock.variables},
        )
        environment = cleanup.enter_context(Environment(plan))
        yield Bed(environment, postgres.process, proxies, clock, disk)
