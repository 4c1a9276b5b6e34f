"""Kafka's own client properties, as aiokafka wants them."""

import re
import ssl
from pathlib import Path
from typing import Any

from contract.clusters_file import ClusterProperties

_SECRET = re.compile(r"password|secret|jaas|token|credential|private|\.key$", re.IGNORECASE)
_CREDENTIAL = re.compile(r"""\b(username|password)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

REQUEST_TIMEOUT_MS = 5000


class UnusablePropertiesError(ValueError):
    """A cluster's connection properties cannot be used."""


def without_secrets(properties: dict[str, str]) -> dict[str, str]:
    """Connection properties that may be shown."""
    return {
        key: "***" if _SECRET.search(key) else value for key, value in sorted(properties.items())
    }


def client_options(cluster: ClusterProperties) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes.

    Raises:
        UnusablePropertiesError: a property has a value that this client cannot honour.
    """
    properties = cluster.properties
    protocol = properties.get("security.protocol", "PLAINTEXT").upper()
    options: dict[str, Any] = {
        "bootstrap_servers": cluster.bootstrap_servers,
        "security_protocol": protocol,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    if protocol in {"SSL", "SASL_SSL"}:
        options["ssl_context"] = _ssl_context(cluster)
    if protocol.startswith("SASL_"):
        options |= _sasl(cluster)
    return options


def _ssl_context(cluster: ClusterProperties) -> ssl.SSLContext:
    properties = cluster.properties
    if properties.get("ssl.truststore.type", "PEM").upper() != "PEM":
        raise UnusablePropertiesError(
            f"{cluster.name}: ssl.truststore.type {properties['ssl.truststore.type']} cannot be"
            " read here; use PEM"
        )
    location = properties.get("ssl.truststore.location")
    context = ssl.create_default_context(cafile=str(Path(location)) if location else None)
    if properties.get("ssl.endpoint.identification.algorithm", "https") == "":
        context.check_hostname = False
    if keystore := properties.get("ssl.keystore.location"):
        context.load_cert_chain(keystore, password=properties.get("ssl.key.password"))
    return context


def _sasl(cluster: ClusterProperties) -> dict[str, Any]:
    mechanism = cluster.properties.get("sasl.mechanism", "PLAIN").upper()
    if mechanism not in {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}:
        raise UnusablePropertiesError(
            f"{cluster.name}: sasl.mechanism {mechanism} is not supported towards a physical"
            " cluster; use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
    jaas = cluster.properties.get("sasl.jaas.config", "")
    found = {key: double or single for key, double, single in _CREDENTIAL.findall(jaas)}
    if set(found) != {"username", "password"}:
        raise UnusablePropertiesError(
            f"{cluster.name}: sasl.jaas.config names no username and password"
        )
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": found["username"],
        "sasl_plain_password": found["password"],
    }
