"""The whole environment, or a part of it: started in order, stopped whatever happens."""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from sandbox.configuration import Secrets, clusters_yaml
from sandbox.errors import SandboxError
from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import kafka_release
from sandbox.mirror import mirror_process, supervised_mirror, supervisor_variables
from sandbox.node_tokens import issue_node_token
from sandbox.plan import Component, Plan
from sandbox.planes import PlaneSettings, control_plane, gateway, gateway_name
from sandbox.ports import PAIR, check_free
from sandbox.postgres import Postgres, remove_data
from sandbox.process import Process, stop_all, wait_ready
from sandbox.progress import Progress, Report, silent
from sandbox.registry import registry_process
from sandbox.security import Security
from sandbox.tools import write_tools

_READY_WITHIN_S = 120.0
"""For each stage; a busy machine takes long, and a start that fails is noticed at once anyway."""

_FIRST_FAILOVER_ID = 101
"""Node ids differ between the clusters, so that whoever mixes them up is noticed."""


class Environment:
    """A context manager: entered it is ready, left it is gone.

    Every process can be paused, killed and restarted by itself:
    `environment.process("failover-kafka2").kill()`.
    """

    def __init__(self, plan: Plan, report: Report = silent) -> None:
        self.plan = plan
        self.secrets = Secrets()
        self.security: Security | None = None
        """Certificates and the clusters' user, if the plan asks for them."""
        self.node_tokens: dict[str, str] = {}
        """Of the gateways, by their names."""
        self._report = report
        self._processes: dict[str, Process] = {}
        self._clusters: dict[str, KafkaCluster] = {}
        self._database_url = plan.database_url
        self._waiting: list[Process] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        check_free(self.plan.ports_taken())
        with self._cleanup:
            self._prepare_folder()
            self._start_registry()
            self._wait_for(*self._start_postgres(), *self._start_clusters())
            self._start_mirror()
            self._wait_for(*self._start_control_planes())
            self._start_gateways()
            self._wait_for(*self._waiting)
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    @property
    def main(self) -> KafkaCluster:
        """The cluster `main`."""
        return self._clusters["main"]

    @property
    def failover(self) -> KafkaCluster:
        """The cluster `failover`."""
        return self._clusters["failover"]

    @property
    def database_url(self) -> str:
        """`postgresql://` URL of the control planes' database. May hold a password.

        Raises:
            SandboxError: the environment has no database.
        """
        if self._database_url is None:
            raise SandboxError("this environment has no Postgres: add that component to its plan")
        return self._database_url

    @property
    def processes(self) -> tuple[Process, ...]:
        """Everything that was started, in that order."""
        return tuple(self._processes.values())

    def process(self, name: str) -> Process:
        """One process by its name: kafka1, failover-kafka2, postgres, gateway1, ...

        Raises:
            SandboxError: there is none of that name.
        """
        if name not in self._processes:
            raise SandboxError(f"no process {name}; there are {', '.join(self._processes)}")
        return self._processes[name]

    def _prepare_folder(self) -> None:
        for leftover in ("data", "logs"):
            shutil.rmtree(self.plan.folder / leftover, ignore_errors=True)
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        self.secrets.write(self.plan.secrets_file)
        if self.plan.secure:
            self.security = Security.create(self.plan.certificates)

    def _start_postgres(self) -> list[Process]:
        if not self.plan.has(Component.POSTGRES) or self._database_url is not None:
            return []
        postgres = Postgres(self.plan.ports.postgres, self.plan.folder)
        self._cleanup.callback(remove_data, self.plan.folder)
        postgres.initialise()
        self._database_url = postgres.url
        return self._start([postgres.process])

    def _start_clusters(self) -> list[Process]:
        if not self.plan.has(Component.CLUSTERS):
            return []
        kafka = kafka_release(self._report)
        write_tools(self.plan.tools, kafka)
        ports, indexes = self.plan.ports, range(self.plan.profile.brokers)
        addresses = {
            "main": [BrokerAddress(1 + i, ports.main_broker(i)) for i in indexes],
            "failover": [
                BrokerAddress(_FIRST_FAILOVER_ID + i, ports.failover_broker(i)) for i in indexes
            ],
        }
        for name, brokers in addresses.items():
            self._clusters[name] = KafkaCluster(
                name,
                brokers,
                self.plan.folder,
                kafka,
                security=self.security,
                overrides=self.plan.broker_properties.get(name),
            )
            self._clusters[name].format()
        self.plan.clusters_file.touch(mode=0o600)
        self.plan.clusters_file.write_text(clusters_yaml(self.main, self.failover))
        started = self._start([*self.main.brokers, *self.failover.brokers])
        self._cleanup.callback(_kill_all, started)
        return started

    def _start_registry(self) -> None:
        if self.plan.has(Component.REGISTRY):
            port = self.plan.ports.registry
            self._start([registry_process(port, self.plan.folder, self._report)])

    def _start_mirror(self) -> None:
        if self.plan.has(Component.MIRROR):
            kafka = kafka_release(self._report)
            if self.plan.has(Component.CONTROL_PLANES):
                self._start([supervised_mirror(self._plane_settings(), kafka)])
            else:
                self._start([mirror_process(self.main, self.failover, self.plan.folder, kafka)])

    def _start_control_planes(self) -> list[Process]:
        if not self.plan.has(Component.CONTROL_PLANES):
            return []
        settings, variables = self._plane_settings(), dict(self.plan.control_plane_variables)
        if self.plan.has(Component.MIRROR):
            variables = supervisor_variables(settings) | variables
        return self._start(control_plane(settings, i, self.database_url, variables) for i in PAIR)

    def _start_gateways(self) -> None:
        if self.plan.has(Component.GATEWAYS):
            settings = self._plane_settings()
            planes = [f"http://localhost:{self.plan.ports.admin_api(i)}" for i in PAIR]
            self._start(
                gateway(settings, i, planes, self._gateway_variables(planes[0], i, worker), worker)
                for i in PAIR
                for worker in range(self.plan.workers)
            )

    def _gateway_variables(self, plane: str, index: int, worker: int) -> dict[str, str]:
        """What a node is told on top of what all are: its own token, where somebody issues it."""
        variables = dict(self.plan.gateway_variables)
        if self.plan.has(Component.CONTROL_PLANES) and "INTERLOCK_NODE_TOKEN" not in variables:
            name = gateway_name(index, worker)
            self.node_tokens[name] = issue_node_token(plane, name)
            variables["INTERLOCK_NODE_TOKEN"] = self.node_tokens[name]
        return variables

    def _plane_settings(self) -> PlaneSettings:
        return PlaneSettings(
            ports=self.plan.ports,
            clusters_file=self.plan.clusters_file,
            secrets=self.secrets,
            folder=self.plan.folder,
            security=self.security,
        )

    def _start(self, processes: Iterable[Process]) -> list[Process]:
        started = list(processes)
        self._cleanup.callback(stop_all, started)
        for process in started:
            self._report(Progress(f"start {process.name}", "began"))
            process.start()
            self._processes[process.name] = process
            self._waiting.append(process)
        return started

    def _wait_for(self, *processes: Process) -> None:
        wait_ready(processes, _READY_WITHIN_S, self._report)
        self._waiting = [process for process in self._waiting if process not in processes]


def _kill_all(processes: Iterable[Process]) -> None:
    """Their data is thrown away: an orderly leave, one after the other, would take many seconds."""
    for process in processes:
        process.kill()
