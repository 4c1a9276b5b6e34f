"""A node's configuration, from environment variables; the incumbent's names where it has them."""

import socket
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.clusters_file import ClusterProperties, read_clusters, selected_path
from contract.tokens import decode_key


class GatewaySettings(BaseSettings):
    """What `interlock gateway` reads from its environment."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    node_id: str = Field(default_factory=socket.gethostname, validation_alias="INTERLOCK_NODE_ID")
    """Name of this node; no two running nodes share one."""
    control_planes: str = Field(
        default="http://127.0.0.1:8888", validation_alias="INTERLOCK_CONTROL_PLANES"
    )
    """URLs of the control planes, with commas between; any of them will do."""
    node_token: SecretStr = Field(validation_alias="INTERLOCK_NODE_TOKEN")
    """Secret that nodes and control planes share."""
    http_port: int = Field(default=9100, ge=0, lt=65536, validation_alias="INTERLOCK_HTTP_PORT")
    """Port of `/health/live`, `/health/ready` and `/metrics`."""
    control_cluster: str | None = Field(default=None, validation_alias="INTERLOCK_CONTROL_CLUSTER")
    """Cluster that holds the control topic; default: the first failover cluster, else the first."""
    log_format: Literal["json", "console"] = Field(
        default="json", validation_alias="INTERLOCK_LOG_FORMAT"
    )
    """One JSON object per line, or columns for a person."""
    port_start: int = Field(
        default=6969,
        ge=1,
        lt=65536,
        validation_alias=AliasChoices("GATEWAY_PORT_START", "GATEWAY_START_PORT"),
    )
    """Kafka port of slot 0; slot n listens on this plus n."""
    advertised_host: str = Field(
        default_factory=socket.gethostname, validation_alias="GATEWAY_ADVERTISED_HOST"
    )
    """Host name that clients are told to connect to."""
    bind_host: str = Field(default="0.0.0.0", validation_alias="GATEWAY_BIND_HOST")  # noqa: S104 - the incumbent's default
    """Address that the ports are bound to."""
    cluster_id: str = Field(default="gateway", validation_alias="GATEWAY_CLUSTER_ID")
    """Name of the group of nodes, for logs and metrics."""
    security_protocol: Literal["SASL_PLAINTEXT"] = Field(
        default="SASL_PLAINTEXT", validation_alias="GATEWAY_SECURITY_PROTOCOL"
    )
    """How clients talk to the gateway."""
    mode: Literal["VCLUSTER"] = Field(default="VCLUSTER", validation_alias="GATEWAY_MODE")
    """The incumbent's mode; virtual clusters are the one that there is."""
    backend_selector: str = Field(validation_alias="GATEWAY_BACKEND_KAFKA_SELECTOR")
    """Names `clusters.yaml`: `file : { path: FILE }`."""
    user_pool_secret_key: SecretStr = Field(validation_alias="GATEWAY_USER_POOL_SECRET_KEY")
    """Base64 of at least 256 bits; signs the tokens of service accounts. There is no default."""

    @field_validator("user_pool_secret_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr) -> SecretStr:
        decode_key(value.get_secret_value())
        return value

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs tokens."""
        return decode_key(self.user_pool_secret_key.get_secret_value())

    @cached_property
    def control_plane_urls(self) -> tuple[str, ...]:
        """URLs of the control planes, without a slash at the end."""
        return tuple(u.strip().rstrip("/") for u in self.control_planes.split(",") if u.strip())

    @cached_property
    def clusters(self) -> tuple[ClusterProperties, ...]:
        """The physical clusters of `clusters.yaml`.

        Raises:
            ClustersFileError: the file cannot be used.
        """
        return read_clusters(Path(selected_path(self.backend_selector)))

    @cached_property
    def control_topic_cluster(self) -> ClusterProperties:
        """The cluster that holds the control topic."""
        if self.control_cluster is not None:
            return self.cluster(self.control_cluster)
        standby = (c for c in self.clusters if c.role == "failover")
        return next(standby, self.clusters[0])

    def cluster(self, name: str) -> ClusterProperties:
        """The properties of one cluster.

        Raises:
            LookupError: `clusters.yaml` does not name it.
        """
        for cluster in self.clusters:
            if cluster.name == name:
                return cluster
        raise LookupError(f"{name} is not in {selected_path(self.backend_selector)}")
