"""Kafka's client properties, for aiokafka; and what of them may be shown."""

import pytest

from contract.clusters_file import ClusterProperties
from controlplane.probes.connection import (
    UnusablePropertiesError,
    client_options,
    without_secrets,
)

JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    " username=\"svc\" password='p w';"
)


def cluster(**properties: str) -> ClusterProperties:
    given = {key.replace("_", "."): value for key, value in properties.items()}
    given["bootstrap.servers"] = "a:1,b:2"
    return ClusterProperties(name="main", role="upstream", properties=given)


def test_plain_text_is_the_default():
    options = client_options(cluster())
    assert options["security_protocol"] == "PLAINTEXT"
    assert options["bootstrap_servers"] == "a:1,b:2"


def test_credentials_come_from_the_jaas_line():
    options = client_options(
        cluster(
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_jaas_config=JAAS,
        )
    )
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("svc", "p w")


@pytest.mark.parametrize(
    "properties",
    [
        {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"},
        {"security_protocol": "SASL_PLAINTEXT", "sasl_jaas_config": "Module required;"},
        {"security_protocol": "SSL", "ssl_truststore_type": "JKS"},
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(properties):
    with pytest.raises(UnusablePropertiesError, match="main: "):
        client_options(cluster(**properties))


def test_secrets_are_not_shown():
    shown = without_secrets(
        {"bootstrap.servers": "a:1", "sasl.jaas.config": JAAS, "ssl.keystore.password": "x"}
    )
    assert shown["bootstrap.servers"] == "a:1"
    assert set(shown.values()) == {"a:1", "***"}
