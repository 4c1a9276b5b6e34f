"""A node's configuration, from environment variables; the incumbent's names where it has them."""

import socket
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.clusters_file import ClusterProperties, read_clusters, selected_path
from contract.issuer_tokens import TokenRules
from contract.sealing import Seal
from contract.server_certificate import CertificateFiles, ClientAuth
from contract.tokens import decode_key
from dataplane.sasl.mechanism import MECHANISMS, MechanismName
from upstream.tls import TlsContexts, tls_with_control_planes


class GatewaySettings(BaseSettings):
    """What `interlock gateway` reads from its environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    node_id: str = Field(default_factory=socket.gethostname, validation_alias="INTERLOCK_NODE_ID")
    """Name of this node; no two running nodes share one."""
    control_planes: str = Field(
        default="http://127.0.0.1:8888", validation_alias="INTERLOCK_CONTROL_PLANES"
    )
    """URLs of the control planes, with commas between; any of them will do."""
    control_planes_trust_store: Path | None = Field(
        default=None, validation_alias="INTERLOCK_TRUST_STORE_PATH"
    )
    """PEM file with the authorities of the control planes' certificates; default: the system's."""
    control_planes_key_store: Path | None = Field(
        default=None, validation_alias="INTERLOCK_KEY_STORE_PATH"
    )
    """PEM file with the private key and the certificate chain that control planes are shown, if
    they want one."""
    control_planes_key_password: SecretStr = Field(
        default=SecretStr(""), validation_alias="INTERLOCK_KEY_STORE_PASSWORD"
    )
    """Password of that private key, if it has one."""
    node_token: SecretStr = Field(validation_alias="INTERLOCK_NODE_TOKEN")
    """The node's own token, of `interlock node-token issue`, or the secret that nodes and control
    planes share."""
    sealing_key: SecretStr | None = Field(default=None, validation_alias="INTERLOCK_SEALING_KEY")
    """Base64 of at least 256 bits, which control planes have too: opens what they have sealed of
    passwords. Several with commas between: any of them opens."""
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
    security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL", "SSL"] = Field(
        default="SASL_PLAINTEXT", validation_alias="GATEWAY_SECURITY_PROTOCOL"
    )
    """How clients talk to the gateway. With SSL, their certificate is their log-in."""
    key_store_path: Path | None = Field(default=None, validation_alias="GATEWAY_SSL_KEY_STORE_PATH")
    """PEM file with the private key and the certificate chain that clients are shown. When it
    changes, new connections get the new one."""
    key_store_type: str = Field(default="PEM", validation_alias="GATEWAY_SSL_KEY_STORE_TYPE")
    """PEM is the only one; a JKS is converted with keytool and openssl."""
    key_password: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("GATEWAY_SSL_KEY_PASSWORD", "GATEWAY_SSL_KEY_STORE_PASSWORD"),
    )
    """Password of the private key, if it has one."""
    trust_store_path: Path | None = Field(
        default=None, validation_alias="GATEWAY_SSL_TRUST_STORE_PATH"
    )
    """PEM file with the authorities of clients' certificates."""
    trust_store_type: str = Field(default="PEM", validation_alias="GATEWAY_SSL_TRUST_STORE_TYPE")
    """PEM is the only one."""
    client_auth: ClientAuth | None = Field(default=None, validation_alias="GATEWAY_SSL_CLIENT_AUTH")
    """Whether clients show a certificate. Default: REQUIRE with SSL, else NONE."""
    enabled_mechanisms: str = Field(default="", validation_alias="INTERLOCK_SASL_MECHANISMS")
    """SASL mechanisms that clients may use, with commas between; default: PLAIN, SCRAM-SHA-256,
    SCRAM-SHA-512, and OAUTHBEARER if there is a JWKS."""
    longest_session_ms: int = Field(
        default=0, ge=0, validation_alias="GATEWAY_AUTHENTICATION_CONNECTION_MAX_REAUTH_MS"
    )
    """Milliseconds after which clients authenticate again, if what they showed lasts longer; 0: as
    long as that lasts."""
    oauth_jwks_url: str | None = Field(default=None, validation_alias="GATEWAY_OAUTH_JWKS_URL")
    """Where the public keys of the OAuth issuer are: `https:`, `http:` or `file:`."""
    oauth_jwks_refresh_ms: int = Field(
        default=300_000, ge=1000, validation_alias="GATEWAY_OAUTH_JWKS_REFRESH"
    )
    """Milliseconds after which the keys are asked for again; at once if a token names a new one."""
    oauth_issuer: str | None = Field(default=None, validation_alias="GATEWAY_OAUTH_EXPECTED_ISSUER")
    """What a token's claim `iss` must be; unset: anything."""
    oauth_audiences: str = Field(default="", validation_alias="GATEWAY_OAUTH_EXPECTED_AUDIENCES")
    """One of these a token's claim `aud` must hold, with commas between; unset: anything."""
    oauth_subject_claim: str = Field(default="sub", validation_alias="GATEWAY_OAUTH_SUB_CLAIM_NAME")
    """The claim that is an account's external name."""
    account_memory_bytes: int = Field(
        default=128 * 1024 * 1024, ge=1, validation_alias="INTERLOCK_ACCOUNT_MEMORY_BYTES"
    )
    """Bytes that the large frames of one account may take on this node: those that come in, and
    answers that its clients have not read. Connections that need more are not read."""
    account_elements_per_second: int = Field(
        default=100_000, ge=1, validation_alias="INTERLOCK_ACCOUNT_ELEMENTS_PER_SECOND"
    )
    """Topics, partitions, groups and so on that this node looks at for one account in a second, in
    requests and answers; an account with more is not listened to for as long as that takes. Of what
    a node manages it is about a fifth."""
    node_memory_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1, validation_alias="INTERLOCK_NODE_MEMORY_BYTES"
    )
    """The same for all accounts together."""
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

    @field_validator("sealing_key")
    @classmethod
    def _opens(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            Seal.of(value.get_secret_value())
        return value

    @field_validator("oauth_jwks_url")
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("file:", "http://", "https://")):
            raise ValueError("is no URL that begins with https:, http: or file:")
        return value

    @field_validator("key_store_type", "trust_store_type")
    @classmethod
    def _is_pem(cls, value: str) -> str:
        if value.upper() != "PEM":
            raise ValueError(
                "only PEM can be read; convert the store with keytool -importkeystore"
                " -deststoretype PKCS12, then openssl pkcs12 -nodes"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _ = self.sasl_mechanisms
        _ = self.certificate_files
        return self

    @property
    def certificate_files(self) -> CertificateFiles | None:
        """What TLS with clients is made of; None if there is none."""
        if not self.security_protocol.endswith("SSL"):
            return None
        if self.key_store_path is None:
            raise ValueError(
                f"GATEWAY_SECURITY_PROTOCOL {self.security_protocol} needs"
                " GATEWAY_SSL_KEY_STORE_PATH"
            )
        shows_certificates = self.security_protocol == "SSL"
        client_auth = self.client_auth or ("REQUIRE" if shows_certificates else "NONE")
        if shows_certificates and client_auth != "REQUIRE":
            raise ValueError(
                f"GATEWAY_SSL_CLIENT_AUTH {client_auth} leaves nobody with a log-in: with"
                " GATEWAY_SECURITY_PROTOCOL SSL it is REQUIRE"
            )
        return CertificateFiles(
            prefix="GATEWAY_SSL",
            key_store=self.key_store_path,
            key_password=self.key_password.get_secret_value(),
            trust_store=self.trust_store_path,
            client_auth=client_auth,
        )

    @property
    def sasl_mechanisms(self) -> tuple[MechanismName, ...]:
        """The mechanisms that are offered."""
        has_keys = self.oauth_jwks_url is not None
        known: tuple[MechanismName, ...] = tuple(
            m for m in MECHANISMS if has_keys or m != "OAUTHBEARER"
        )
        if not self.enabled_mechanisms:
            return known
        wanted = {name.strip() for name in self.enabled_mechanisms.split(",")}
        if unknown := wanted.difference(known):
            raise ValueError(
                f"INTERLOCK_SASL_MECHANISMS names {min(unknown)!r}; there are {', '.join(known)}"
                + ("" if has_keys else "; OAUTHBEARER needs GATEWAY_OAUTH_JWKS_URL")
            )
        return tuple(m for m in known if m in wanted)

    @property
    def oauth_jwks_refresh_s(self) -> float:
        """Seconds after which the issuer's keys are asked for again."""
        return self.oauth_jwks_refresh_ms / 1000

    @property
    def token_rules(self) -> TokenRules:
        """What an issuer's token must say."""
        audiences = (a.strip() for a in self.oauth_audiences.strip("[] ").split(","))
        return TokenRules(
            issuer=self.oauth_issuer,
            audiences=tuple(a for a in audiences if a),
            subject_claim=self.oauth_subject_claim,
        )

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs tokens."""
        return decode_key(self.user_pool_secret_key.get_secret_value())

    @cached_property
    def seal(self) -> Seal | None:
        """What opens sealed verifiers; None: there is no key."""
        key = self.sealing_key
        return Seal.of(key.get_secret_value()) if key is not None else None

    @cached_property
    def control_plane_urls(self) -> tuple[str, ...]:
        """URLs of the control planes, without a slash at the end."""
        return tuple(u.strip().rstrip("/") for u in self.control_planes.split(",") if u.strip())

    @cached_property
    def control_planes_tls(self) -> TlsContexts:
        """How control planes are met whose URL begins with https."""
        return tls_with_control_planes(
            self.control_planes_trust_store,
            self.control_planes_key_store,
            self.control_planes_key_password.get_secret_value(),
        )

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
