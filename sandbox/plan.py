"""What an environment consists of, and which ports that takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sandbox.ports import PAIR, SLOTS, Ports


class Profile(StrEnum):
    """How many brokers a cluster has."""

    FULL = "full"
    SMALL = "small"

    @property
    def brokers(self) -> int:
        """Brokers of each cluster."""
        return SLOTS if self is Profile.FULL else 1


class Component(StrEnum):
    """A part that can be left out."""

    CLUSTERS = "clusters"
    REGISTRY = "registry"
    POSTGRES = "postgres"
    MIRROR = "mirror"
    CONTROL_PLANES = "control-planes"
    GATEWAYS = "gateways"


_NEEDS: Mapping[Component, frozenset[Component]] = {
    Component.MIRROR: frozenset({Component.CLUSTERS}),
    Component.CONTROL_PLANES: frozenset({Component.CLUSTERS, Component.POSTGRES}),
    Component.GATEWAYS: frozenset(
        {Component.CONTROL_PLANES, Component.CLUSTERS, Component.POSTGRES}
    ),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to start, and where."""

    folder: Path
    """Holds data, logs, configuration and tools. What an earlier environment left is removed."""
    profile: Profile = Profile.FULL
    ports: Ports = field(default_factory=Ports)
    components: frozenset[Component] = frozenset(Component)
    secure: bool = False
    """TLS everywhere, and clusters that want a log-in with SCRAM-SHA-512."""
    workers: int = 1
    """Gateway nodes, 1 or 2, that share the ports of each gateway."""
    database_url: str | None = None
    """A Postgres server to use in place of an own one."""
    control_plane_variables: Mapping[str, str] = field(default_factory=dict)
    gateway_variables: Mapping[str, str] = field(default_factory=dict)
    broker_properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By cluster, `main` or `failover`: what goes on top of its brokers' properties."""

    @property
    def clusters_file(self) -> Path:
        """`clusters.yaml` of the environment."""
        return self.folder / "clusters.yaml"

    @property
    def secrets_file(self) -> Path:
        """The signing key and the node token, as shell variables; for its owner only."""
        return self.folder / "secrets.env"

    @property
    def certificates(self) -> Path:
        """Folder of the certificates of a secure environment."""
        return self.folder / "certificates"

    @property
    def tools(self) -> Path:
        """Folder of Kafka's command line tools."""
        return self.folder / "bin"

    def has(self, component: Component) -> bool:
        """Whether a part is wanted, or needed by one that is."""
        needed = (_NEEDS.get(wanted, frozenset()) for wanted in self.components)
        return component in self.components.union(*needed)

    def ports_taken(self) -> dict[str, int]:
        """Every port that this plan takes, by what it is for."""
        taken: dict[str, int] = {}
        if self.has(Component.CLUSTERS):
            for index in range(self.profile.brokers):
                taken |= self.ports.of_brokers(index)
        if self.has(Component.REGISTRY):
            taken["schema registry"] = self.ports.registry
        if self.has(Component.POSTGRES) and self.database_url is None:
            taken["Postgres"] = self.ports.postgres
        if self.has(Component.MIRROR) and self.has(Component.CONTROL_PLANES):
            taken["mirror"] = self.ports.mirror
        for index in PAIR:
            if self.has(Component.CONTROL_PLANES):
                taken[f"admin API {index + 1}"] = self.ports.admin_api(index)
            if self.has(Component.GATEWAYS):
                taken |= self.ports.of_gateway(index, self.workers)
        return taken
