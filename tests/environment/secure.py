"""One broker that can be entered by every door: SASL_SSL, SASL_PLAINTEXT, and SSL with keys.

Its own user, and whoever comes with keys, may do everything; others what ACLs allow them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from contract.clusters_file import ClusterProperties
from sandbox.certificates import CertificateAuthority
from sandbox.kafka import BrokerAddress, KafkaCluster
from sandbox.kafka_release import kafka_release
from sandbox.ports import Ports
from sandbox.process import wait_ready
from sandbox.security import Security

SESSION_MS = 4000
"""How long a log-in is good for (`connections.max.reauth.ms`)."""

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
OAUTH_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"


@dataclass(frozen=True)
class SecureBroker:
    """A cluster of one broker, and how to get in."""

    cluster: KafkaCluster
    security: Security
    authority: CertificateAuthority
    ports: Ports

    @property
    def plain_jaas(self) -> str:
        """The user, for PLAIN."""
        user = self.security
        return f'{PLAIN_MODULE} required username="{user.username}" password="{user.password}";'

    def described(self, name: str = "main", **properties: str) -> ClusterProperties:
        """The cluster as `clusters.yaml` describes it; `_` stands for a dot in names."""
        changes = {key.replace("_", "."): value for key, value in properties.items()}
        address = {"bootstrap.servers": self.cluster.bootstrap_servers}
        return ClusterProperties(
            name=name,
            role="upstream",
            properties={**address, **self.cluster.client_properties, **changes},
        )

    @property
    def plain_text(self) -> str:
        """Where SASL is spoken without TLS."""
        return f"localhost:{self.ports.main_broker(1)}"

    def add_user(self, name: str, password: str) -> None:
        """Let somebody in by SCRAM-SHA-256, who may do nothing yet."""
        added = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), password.encode()
        )
        for future in self.admin.alter_user_scram_credentials([added]).values():
            future.result(20)

    @cached_property
    def admin(self) -> AdminClient:
        """A client of one who may do everything."""
        return AdminClient(self.cluster.librdkafka)

    @property
    def keys_only(self) -> str:
        """Where a client's certificate is its log-in."""
        return f"localhost:{self.ports.main_broker(2)}"


@contextmanager
def secure_broker(folder: Path, ports: Ports) -> Iterator[SecureBroker]:
    """Start the broker, and stop it."""
    authority = CertificateAuthority(folder / "certificates")
    security = Security(authority.file, authority.issue("broker"), authority.issue("gateway"))
    running = KafkaCluster(
        "secure",
        [BrokerAddress(1, ports.main_broker(0))],
        folder,
        kafka_release(),
        security=security,
        overrides=_doors(security, ports),
    )
    broker = SecureBroker(running, security, authority, ports)
    try:
        running.format()
        for process in running.brokers:
            process.start()
        wait_ready(running.brokers)
        broker.add_user(security.username, security.password)
        yield broker
    finally:
        for process in running.brokers:
            process.kill()


def _doors(security: Security, ports: Ports) -> dict[str, str]:
    first, second, third = (ports.main_broker(i) for i in range(3))
    controller = ports.controller(first)
    user = f'{PLAIN_MODULE} required user_{security.username}="{security.password}";'
    mechanisms = "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER"
    doors = {"SASL": first, "TEXT": second, "KEYS": third}
    scram = security.jaas
    return {
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in doors.items())
        + f",CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": ",".join(f"{n}://localhost:{p}" for n, p in doors.items()),
        "listener.security.protocol.map": (
            "CONTROLLER:PLAINTEXT,SASL:SASL_SSL,TEXT:SASL_PLAINTEXT,KEYS:SSL"
        ),
        "sasl.enabled.mechanisms": mechanisms,
        "connections.max.reauth.ms": str(SESSION_MS),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Controllers speak plain text, and have no name.
        "super.users": f"User:{security.username};User:ANONYMOUS;User:CN=gateway",
        "listener.name.keys.ssl.client.auth": "required",
        **{
            f"listener.name.{door}.{mechanism}.sasl.jaas.config": jaas
            for door in ("sasl", "text")
            for mechanism, jaas in (
                ("scram-sha-512", scram),
                ("scram-sha-256", scram),
                ("plain", user),
                ("oauthbearer", f'{OAUTH_MODULE} required unsecuredLoginStringClaim_sub="x";'),
            )
        },
    }
