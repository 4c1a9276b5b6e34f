"""What of a cluster's connection properties may be shown."""

from controlplane.probes.connection import without_secrets


def test_secrets_are_not_shown():
    shown = without_secrets(
        {
            "bootstrap.servers": "a:1",
            "sasl.jaas.config": 'Module required username="svc" password="p w";',
            "ssl.keystore.password": "x",
            "ssl.keystore.key": "-----BEGIN PRIVATE KEY-----",
            "sasl.oauthbearer.client.credentials.client.secret": "x",
        }
    )
    assert shown["bootstrap.servers"] == "a:1"
    assert set(shown.values()) == {"a:1", "***"}
