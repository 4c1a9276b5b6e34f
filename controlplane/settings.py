"""Configuration of a control plane, from environment variables."""

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.clusters_file import (
    ClusterProperties,
    ClustersFileError,
    read_clusters,
    selected_path,
)
from contract.sealing import Seal
from contract.server_certificate import CertificateFiles, ClientAuth
from contract.tokens import decode_key
from controlplane.issuer import Issuer, issuer_of
from controlplane.users import User
from controlplane.webhooks.hooks import WebHook, read_web_hooks

_TOKEN_CHARACTERS = 16
_USERS_FORM = "is not a list as [{username: admin, password: ..., admin: true}]"


class MirrorConnectors(msgspec.Struct, frozen=True, kw_only=True):
    """The connectors of one direction of the mirror."""

    url: str
    """Of a worker's REST API; may hold user and password."""
    source: str
    """The MirrorSourceConnector."""
    others: tuple[str, ...] = ()
    """Checkpoints and heartbeats."""


class Settings(BaseSettings):
    """Environment variables. Names without INTERLOCK_ are those that users have already."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr
    """`postgresql://...` of the database that holds the event log; its user owns it, or is a member
    of the role `interlock_app` if somebody else migrates it."""
    interlock_migrate: bool = True
    """Whether a control plane brings the database to its schema when it starts; else it only looks
    whether it is there, and `interlock database migrate` brings it."""
    gateway_backend_kafka_selector: str
    """`file : { path: FILE }`: where the physical clusters are described."""
    gateway_user_pool_secret_key: SecretStr
    """Base64 of at least 256 bits that sign clients' tokens. Has no default."""
    interlock_node_token: SecretStr
    """Secret that gateway nodes without a token of their own show to control planes, and control
    planes to `interlock mirrormaker`."""
    interlock_shared_node_token: bool = True
    """Whether nodes may show INTERLOCK_NODE_TOKEN; else each needs its own, of
    `interlock node-token issue`."""
    interlock_sealing_key: SecretStr | None = None
    """Base64 of at least 256 bits, which nodes have too: seals what is kept of passwords. Several
    with commas between: the first seals, all open. Unset: nothing is sealed. Set it on all nodes
    first."""
    gateway_admin_api_users: SecretStr = SecretStr("[]")
    """Who may administrate: YAML or JSON list of `{username, password, admin}`. In place of
    `password` a `passwordHash` (`interlock user hash`); in place of `admin` a `role`: viewer (also
    without either), operator or admin."""
    interlock_oidc_issuer: str | None = None
    """URL of the OpenID Connect issuer whose tokens users of the administration API may show
    (`Authorization: Bearer`), as the tokens name it; where its keys are it says itself."""
    interlock_oidc_audiences: str = ""
    """One of these a token's claim `aud` must hold, with commas between."""
    interlock_oidc_client_id: str = ""
    """What the console is called at the issuer, for users to log in there; its tokens are taken by
    the API, too. Unset: the console takes passwords alone."""
    interlock_oidc_client_secret: SecretStr = SecretStr("")
    """What the console proves to the issuer that it is that client with."""
    interlock_oidc_user_claim: str = "sub"
    """The claim that is the user's name."""
    interlock_oidc_role_claim: str = "roles"
    """The claim that gives the role: a word, or a list of them."""
    interlock_oidc_roles: str = ""
    """Which of its words means which role: YAML or JSON, `{platform-team: admin, on-call:
    operator}`. Default: viewer, operator and admin mean themselves."""
    gateway_bind_host: str = "0.0.0.0"  # noqa: S104 - the incumbent's default; in a container it must be
    """Address that the HTTP server listens on."""
    gateway_http_port: int = Field(default=8888, ge=0, le=65535)
    """Port of the administration API and the console."""
    gateway_https_key_store_path: Path | None = None
    """PEM file with the private key and the certificate chain that callers of the administration
    API are shown; unset: it speaks plain HTTP. When it changes, new connections get the new one."""
    gateway_https_key_store_password: SecretStr = SecretStr("")
    """Password of that private key, if it has one."""
    gateway_https_trust_store_path: Path | None = None
    """PEM file with the authorities of callers' certificates."""
    gateway_https_client_auth: ClientAuth = "NONE"
    """Whether callers show a certificate, besides logging in. With REQUIRE nodes, `interlock` and
    browsers need one."""
    interlock_control_cluster: str | None = None
    """Cluster that holds the control topic; default: the first failover one, else the first."""
    interlock_lease_s: float = Field(default=5.0, gt=0)
    """Seconds that a node may serve after it asked for a lease; the same on every control plane.
    Lower it only while no switch runs."""
    interlock_switch_budget_s: float = Field(default=60.0, gt=0)
    """Seconds after which a switch that is not committed aborts by itself."""
    interlock_mirror_budget_s: float = Field(default=20.0, gt=0)
    """Seconds that the mirror gets to catch up before a switch gives up on it."""
    interlock_quiesce_budget_s: float = Field(default=10.0, ge=0)
    """Seconds that consumer groups and open transactions get to come to rest before the fence of a
    switch that waits for the mirror; 0: they are not asked to. A switch can say another number."""
    interlock_mirror: Literal["process", "connect", "manual"] = "manual"
    """Who runs MirrorMaker 2 and turns it round after a switch: `interlock mirrormaker`, a Kafka
    Connect cluster, or a person who is told the steps."""
    interlock_mirror_reversal: Literal["after_switch", "on_request"] = "after_switch"
    """When the mirror is turned round: by itself after a planned switch, or by
    `interlock mirror reverse` alone. By hand it is always on request."""
    interlock_mirror_supervisor: str | None = None
    """With `process`: URL of `interlock mirrormaker`."""
    interlock_mirror_connect: SecretStr | None = None
    """With `connect`: for each direction, as `main->failover`, the `url` of the Connect cluster,
    the name of its `source` connector, and `others` that belong to the direction. YAML or JSON."""
    interlock_snapshot_every: int = Field(default=10_000, ge=1)
    """After how many events what the log adds up to is kept, for control planes that start."""
    interlock_webhooks: SecretStr = SecretStr("[]")
    """Who is told of switch events: YAML or JSON list of `{name, url, secret}`, with `events` if
    not the milestones (see docs/webhooks.md)."""
    interlock_crash_at: str | None = None
    """For tests: kill this process right after it appended an event of that kind."""
    interlock_stop_at: str | None = None
    """For tests: stop this process (SIGSTOP) there instead, until somebody continues it."""
    interlock_log_format: Literal["json", "console"] = "json"
    """How log lines look."""

    @field_validator("gateway_user_pool_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        decode_key(value.get_secret_value())
        return value

    @field_validator("interlock_sealing_key")
    @classmethod
    def _seals(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Seal.of(value.get_secret_value())
        return value

    @field_validator("interlock_node_token")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < _TOKEN_CHARACTERS:
            raise ValueError(
                f"is shorter than {_TOKEN_CHARACTERS} characters; make one with:"
                " openssl rand -base64 32"
            )
        return value

    @field_validator("gateway_admin_api_users")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        try:
            msgspec.yaml.decode(value.get_secret_value(), type=tuple[User, ...])
        except msgspec.ValidationError as error:
            raise ValueError(f"{_USERS_FORM}: {error}") from error
        except msgspec.MsgspecError as error:
            raise ValueError(_USERS_FORM) from error
        return value

    @field_validator("interlock_webhooks")
    @classmethod
    def _callable(cls, value: SecretStr) -> SecretStr:
        read_web_hooks(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _ = self.certificate_files
        _ = self.issuer
        return self

    @model_validator(mode="after")
    def _mirror_described(self) -> Self:
        if self.interlock_mirror == "process" and self.interlock_mirror_supervisor is None:
            raise ValueError(
                "INTERLOCK_MIRROR=process needs INTERLOCK_MIRROR_SUPERVISOR, the URL of"
                " `interlock mirrormaker`"
            )
        if self.interlock_mirror == "connect":
            _ = self.mirror_connectors
        return self

    @cached_property
    def issuer(self) -> Issuer | None:
        """Whose tokens users may show; None: nobody's."""
        return issuer_of(
            self.interlock_oidc_issuer,
            self.interlock_oidc_audiences,
            user_claim=self.interlock_oidc_user_claim,
            role_claim=self.interlock_oidc_role_claim,
            roles=self.interlock_oidc_roles or "{}",
            client_id=self.interlock_oidc_client_id,
            client_secret=self.interlock_oidc_client_secret.get_secret_value(),
        )

    @property
    def signs_on_at(self) -> Issuer | None:
        """Where users log in to the console, besides by password; None: nowhere."""
        return self.issuer if self.interlock_oidc_client_id else None

    @property
    def certificate_files(self) -> CertificateFiles | None:
        """What HTTPS is made of; None: the API speaks plain HTTP."""
        key_store, client_auth = self.gateway_https_key_store_path, self.gateway_https_client_auth
        if key_store is not None:
            return CertificateFiles(
                prefix="GATEWAY_HTTPS",
                key_store=key_store,
                key_password=self.gateway_https_key_store_password.get_secret_value(),
                trust_store=self.gateway_https_trust_store_path,
                client_auth=client_auth,
            )
        if client_auth != "NONE":
            raise ValueError(
                f"GATEWAY_HTTPS_CLIENT_AUTH {client_auth} needs GATEWAY_HTTPS_KEY_STORE_PATH"
            )
        return None

    @cached_property
    def mirror_connectors(self) -> dict[str, MirrorConnectors]:
        """By direction, as `main->failover`.

        Raises:
            ValueError: they are not described as they have to be.
        """
        form = (
            "INTERLOCK_MIRROR_CONNECT is not of the form {main->failover: {url: http://...,"
            " source: NAME, others: [NAME]}, failover->main: ...}"
        )
        if self.interlock_mirror_connect is None:
            raise ValueError(form)
        try:
            return msgspec.yaml.decode(
                self.interlock_mirror_connect.get_secret_value(),
                type=dict[str, MirrorConnectors],
            )
        except msgspec.MsgspecError as error:
            raise ValueError(form) from error

    @cached_property
    def web_hooks(self) -> tuple[WebHook, ...]:
        """Who is told of switch events."""
        return read_web_hooks(self.interlock_webhooks.get_secret_value())

    @cached_property
    def admin_users(self) -> tuple[User, ...]:
        """Who may administrate."""
        users = self.gateway_admin_api_users.get_secret_value()
        return msgspec.yaml.decode(users, type=tuple[User, ...])

    @cached_property
    def token_key(self) -> bytes:
        """What signs clients' tokens."""
        return decode_key(self.gateway_user_pool_secret_key.get_secret_value())

    @cached_property
    def seal(self) -> Seal | None:
        """What seals verifiers; None: they are not sealed."""
        key = self.interlock_sealing_key
        return Seal.of(key.get_secret_value()) if key is not None else None

    @cached_property
    def clusters(self) -> tuple[ClusterProperties, ...]:
        """The physical clusters.

        Raises:
            ClustersFileError: the file cannot be used.
        """
        return read_clusters(selected_path(self.gateway_backend_kafka_selector))

    @property
    def scope(self) -> str:
        """What virtual clusters are bound to: `main`, or else the first upstream cluster's name."""
        upstream = [c.name for c in self.clusters if c.role == "upstream"]
        names = upstream or [c.name for c in self.clusters]
        return "main" if "main" in names else names[0]

    @property
    def clusters_by_role(self) -> tuple[str, ...]:
        """Names of the physical clusters, failover ones first."""
        return tuple(c.name for c in sorted(self.clusters, key=lambda c: c.role != "failover"))

    @property
    def control_cluster(self) -> ClusterProperties:
        """The cluster that holds the control topic.

        Raises:
            ClustersFileError: the file does not have the cluster that was named.
        """
        named = self.interlock_control_cluster
        if named is None:
            failover = [c for c in self.clusters if c.role == "failover"]
            return (failover or list(self.clusters))[0]
        for cluster in self.clusters:
            if cluster.name == named:
                return cluster
        raise ClustersFileError(
            f"INTERLOCK_CONTROL_CLUSTER is {named!r}, which is not in the clusters file"
        )
