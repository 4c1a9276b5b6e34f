"""Where the clients connect: an environment's gateway as a tenant, or its brokers directly."""

from dataclasses import dataclass

import httpx

from sandbox.environment import Environment

VCLUSTER = "matrixteam-"
"""The tenant's name: whatever a client prints must not hold it."""
USERNAME = "sa"
_ADMIN = ("admin", "conduktor")
_LIFETIME_S = 7200


@dataclass(frozen=True)
class Target:
    """An address, and who the client is there."""

    name: str
    bootstrap: str
    username: str = ""
    """Empty: no authentication."""
    password: str = ""

    def variables(self, prefix: str) -> dict[str, str]:
        """What a client program is told; names that it makes begin with the prefix."""
        return {
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "KAFKA_USERNAME": self.username,
            "KAFKA_PASSWORD": self.password,
            "NAME_PREFIX": prefix,
        }

    def properties(self) -> dict[str, str]:
        """Properties of a Java client."""
        found = {"bootstrap.servers": self.bootstrap}
        if self.username:
            found |= {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN",
                "sasl.jaas.config": (
                    "org.apache.kafka.common.security.plain.PlainLoginModule required"
                    f" username='{self.username}' password='{self.password}';"
                ),
            }
        return found


def gateway(environment: Environment) -> Target:
    """The first gateway, as a service account of a virtual cluster of its own.

    Raises:
        httpx.HTTPError: the control plane gives no token.
    """
    ports = environment.plan.ports
    answer = httpx.post(
        f"http://localhost:{ports.admin_api(0)}"
        f"/admin/vclusters/v1/vcluster/{VCLUSTER}/username/{USERNAME}",
        json={"lifeTimeSeconds": _LIFETIME_S},
        auth=_ADMIN,
        timeout=30,
    ).raise_for_status()
    token = answer.json()["token"]
    return Target("gateway", f"localhost:{ports.gateway(0)}", USERNAME, token)


def direct(environment: Environment) -> Target:
    """The first of the brokers that the gateway has behind it; some libraries take only one."""
    return Target("direct", environment.main.bootstrap_servers.split(",")[0])
