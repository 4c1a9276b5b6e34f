"""Configuration of `interlock mirrormaker`, from environment variables."""

import shlex
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.clusters_file import ClusterProperties, read_clusters, selected_path


class MirrorMakerSettings(BaseSettings):
    """Environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    gateway_backend_kafka_selector: str
    """`file : { path: FILE }`: where the physical clusters are described."""
    interlock_node_token: SecretStr
    """Secret that control planes show when they give orders."""
    interlock_mirror_command: str
    """Command that runs MirrorMaker 2, as `connect-mirror-maker.sh`; the name of a properties file
    is appended."""
    interlock_mirror_properties: Path | None = None
    """An `mm2.properties` of yours. What is said there for one direction holds for the other, too;
    clusters, directions and names of topics are laid down here."""
    interlock_mirror_folder: Path = Path()
    """Where the properties file for MirrorMaker 2 is written. It holds the clusters' passwords."""
    interlock_mirror_host: str = "127.0.0.1"
    """Address that orders are taken on."""
    interlock_mirror_port: int = Field(default=9108, ge=0, le=65535)
    """Port that orders are taken on."""

    @field_validator("interlock_mirror_command")
    @classmethod
    def _splittable(cls, value: str) -> str:
        if not shlex.split(value):
            raise ValueError("is empty; name the program that runs MirrorMaker 2")
        return value

    @cached_property
    def command(self) -> tuple[str, ...]:
        """The command in words."""
        return tuple(shlex.split(self.interlock_mirror_command))

    @cached_property
    def clusters(self) -> tuple[ClusterProperties, ...]:
        """The physical clusters.

        Raises:
            ClustersFileError: the file cannot be used.
        """
        return read_clusters(selected_path(self.gateway_backend_kafka_selector))
