"""What the planes are configured with in the sandbox: `clusters.yaml`, and secrets made for it."""

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sandbox.kafka import KafkaCluster

ADMIN_USER = "admin"
ADMIN_PASSWORD = "conduktor"  # noqa: S105 - the scenario's; nowhere but in the sandbox
ADMIN_API_USERS = msgspec.json.encode(
    [{"username": ADMIN_USER, "password": ADMIN_PASSWORD, "admin": True}]
).decode()


def _signing_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True)
class Secrets:
    """Made at random for each environment."""

    signing_key: str = field(default_factory=_signing_key, repr=False)
    """Signs the tokens of service accounts: 256 bit in base64."""
    node_token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    """What nodes and control planes prove to each other that they belong together with."""

    def write(self, file: Path) -> None:
        """Keep them where only the present user can read them, as shell variables."""
        file.touch(mode=0o600)
        file.write_text(
            f"GATEWAY_USER_POOL_SECRET_KEY={self.signing_key}\n"
            f"INTERLOCK_NODE_TOKEN={self.node_token}\n"
        )


def clusters_yaml(main: KafkaCluster, failover: KafkaCluster) -> str:
    """The scenario's `clusters.yaml`, with the addresses of these clusters."""
    config = {
        "config": {
            main.name: {"bootstrap.servers": main.bootstrap_servers, **main.client_properties},
            failover.name: {
                "bootstrap.servers": failover.bootstrap_servers,
                "gateway.roles": "failover",
                **failover.client_properties,
            },
        }
    }
    return msgspec.yaml.encode(config).decode()
