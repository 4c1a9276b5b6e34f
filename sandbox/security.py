"""A secure environment: TLS everywhere, and clusters that let in who knows a password (SCRAM)."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sandbox.certificates import CertificateAuthority

MECHANISM = "SCRAM-SHA-512"
_LOGIN_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(frozen=True)
class Security:
    """Files and credentials of one environment."""

    authority: Path
    """Certificate that everybody trusts."""
    broker_store: Path
    """Key and certificate of every broker."""
    gateway_store: Path
    """Key and certificate of both gateways."""
    username: str = "interlock"
    """Whom the clusters know: brokers, mirror and both planes use the same."""
    password: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make an authority and certificates in a folder."""
        authority = CertificateAuthority(folder)
        return cls(authority.file, authority.issue("broker"), authority.issue("gateway"))

    @property
    def scram_argument(self) -> str:
        """The user, as `kafka-storage format --add-scram` wants it."""
        return f"{MECHANISM}=[name={self.username},password={self.password}]"

    @property
    def jaas(self) -> str:
        """The user, as Kafka's clients want it."""
        return f'{_LOGIN_MODULE} required username="{self.username}" password="{self.password}";'

    def client_properties(self) -> dict[str, str]:
        """Connection properties of Kafka's own clients, of the mirror, and of `clusters.yaml`."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.jaas.config": self.jaas,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
        }

    def librdkafka(self) -> dict[str, str]:
        """The same, as librdkafka wants it."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": MECHANISM,
            "sasl.username": self.username,
            "sasl.password": self.password,
            "ssl.ca.location": str(self.authority),
        }

    def broker_properties(self, listener: str) -> dict[str, str]:
        """What a broker is told about its own certificate, its users, and its peers."""
        own = f"listener.name.{listener.lower()}."
        return {
            "inter.broker.listener.name": listener,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "sasl.enabled.mechanisms": MECHANISM,
            f"{own}{MECHANISM.lower()}.sasl.jaas.config": self.jaas,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.broker_store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
        }
