"""`clusters.yaml`: the physical clusters and how to reach them, in the incumbent's layout.

    config:
      main:
        bootstrap.servers: kafka1:9092,kafka2:9093
      failover:
        bootstrap.servers: failover-kafka1:9092
        gateway.roles: failover

Connection properties are Kafka's own and may hold secrets: they stay in the process that read them.
"""

import re
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from contract.cluster_security import ClusterSecurity, UnusablePropertyError, security_of

_SELECTOR = re.compile(r"\s*file\s*:\s*\{\s*path\s*:\s*(?P<path>[^}]*?)\s*\}\s*")


class ClustersFileError(ValueError):
    """`clusters.yaml`, or the variable that names it, cannot be used."""


class ClusterProperties(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one physical cluster."""

    name: str
    role: Literal["upstream", "failover"]
    properties: dict[str, str]
    """Kafka client properties as written, `gateway.roles` left out."""

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` pairs with commas between."""
        return self.properties["bootstrap.servers"]

    @property
    def security(self) -> ClusterSecurity:
        """How it wants to be spoken to.

        Raises:
            UnusablePropertyError: a property cannot be honoured; a file that was read has none.
        """
        return security_of(self.properties)

    def __repr__(self) -> str:
        return f"ClusterProperties({self.name})"


_Value: TypeAlias = str | int | float | bool | None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    config: dict[str, dict[str, _Value]]


def selected_path(selector: str) -> Path:
    """The file that `GATEWAY_BACKEND_KAFKA_SELECTOR` names: `file : { path: /config/x.yaml}`.

    Raises:
        ClustersFileError: the variable has another form.
    """
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        raise ClustersFileError(
            f"GATEWAY_BACKEND_KAFKA_SELECTOR is {selector!r}; write it as 'file : {{ path: FILE }}'"
        )
    return Path(match["path"].strip("'\""))


def read_clusters(path: Path) -> tuple[ClusterProperties, ...]:
    """All clusters of the file, in its order.

    Raises:
        ClustersFileError: the file is missing or malformed, or a cluster cannot be used as it is
            described.
    """
    try:
        parsed = msgspec.yaml.decode(path.read_bytes(), type=_File, strict=False)
    except OSError as error:
        raise ClustersFileError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ClustersFileError(f"{path} is not a clusters file: {error}") from error
    if not parsed.config:
        raise ClustersFileError(f"{path} names no cluster under 'config'")
    return tuple(_cluster(path, name, dict(raw)) for name, raw in parsed.config.items())


def _cluster(path: Path, name: str, raw: dict[str, _Value]) -> ClusterProperties:
    role = str(raw.pop("gateway.roles", "upstream"))
    if role not in {"upstream", "failover"}:
        raise ClustersFileError(
            f"{path}: {name} has gateway.roles {role!r}; use upstream or failover"
        )
    if not raw.get("bootstrap.servers"):
        raise ClustersFileError(f"{path}: {name} has no bootstrap.servers")
    cluster = ClusterProperties(
        name=name,
        role="failover" if role == "failover" else "upstream",
        properties={key: "" if value is None else str(value) for key, value in raw.items()},
    )
    try:
        _ = cluster.security
    except UnusablePropertyError as error:
        raise ClustersFileError(f"{path}: {name}: {error}") from None
    return cluster
