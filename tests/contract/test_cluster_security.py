"""Kafka's client properties for security: which are understood, and how the rest is refused."""

import pytest

from contract.cluster_security import (
    BearerToken,
    Password,
    UnusablePropertyError,
    security_of,
)

SCRAM = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required"
    " username=\"svc\" password='p w;=';"
)
OAUTH = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    ' clientId="gateway" clientSecret="s3\\"cret" scope=kafka;'
)


def test_without_properties_a_connection_is_plain_text():
    security = security_of({})
    assert security.protocol == "PLAINTEXT"
    assert security.tls is None
    assert security.login is None


def test_a_password_comes_from_the_jaas_line():
    security = security_of(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": SCRAM,
            "ssl.truststore.location": "/ca.pem",
            "ssl.truststore.type": "PEM",
        }
    )
    assert security.login == Password(mechanism="SCRAM-SHA-512", username="svc", password="p w;=")
    assert security.tls is not None
    assert security.tls.truststore_file == "/ca.pem"
    assert security.tls.checks_host_name


def test_a_bearer_token_comes_from_an_endpoint():
    security = security_of(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.jaas.config": OAUTH,
            "sasl.oauthbearer.token.endpoint.url": "https://idp/token",
            "sasl.login.callback.handler.class": (
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
            ),
            "ssl.endpoint.identification.algorithm": "",
            "ssl.enabled.protocols": "TLSv1.3",
        }
    )
    assert security.login == BearerToken(
        url="https://idp/token", client_id="gateway", client_secret='s3"cret', scope="kafka"
    )
    assert security.tls is not None
    assert not security.tls.checks_host_name
    assert security.tls.lowest_version == "TLSv1.3"


def test_a_bearer_token_may_stand_in_a_file():
    properties = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url": "file:///run/token",
    }
    assert security_of(properties).login == BearerToken(url="file:///run/token")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"security.protocol": "SASL_TLS"}, "security.protocol is SASL_TLS; use PLAINTEXT, SSL"),
        (
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI"},
            "sasl.mechanism is GSSAPI; use PLAIN",
        ),
        (
            {"security.protocol": "SASL_SSL", "sasl.jaas.config": "Module required;"},
            "sasl.jaas.config names no username and password",
        ),
        (
            {"security.protocol": "SSL", "ssl.truststore.type": "JKS"},
            "ssl.truststore.type is JKS; only PEM can be read. To convert it: keytool",
        ),
        (
            {"security.protocol": "SSL", "ssl.keystore.location": "/a/client.p12"},
            "ssl.keystore.location is /a/client.p12, a Java key store",
        ),
        (
            {"security.protocol": "SSL", "ssl.keystore.key": "k"},
            "ssl.keystore.key and ssl.keystore.certificate.chain belong together",
        ),
        (
            {"security.protocol": "SSL", "ssl.endpoint.identification.algorithm": "ldap"},
            "ssl.endpoint.identification.algorithm is ldap",
        ),
        ({"security.protocol": "SSL", "ssl.enabled.protocols": "TLSv1.1"}, "ssl.enabled.protocols"),
        ({"ssl.cipher.suites": "TLS_AES"}, "ssl.cipher.suites is not supported"),
        (
            {"sasl.login.callback.handler.class": "com.example.Handler"},
            "sasl.login.callback.handler.class is com.example.Handler",
        ),
        (
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.token.endpoint.url": "ftp://x",
            },
            "sasl.oauthbearer.token.endpoint.url is missing or is none",
        ),
        (
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.token.endpoint.url": "https://idp",
            },
            "no clientId and clientSecret",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(properties: dict[str, str], says: str):
    with pytest.raises(UnusablePropertyError) as refused:
        security_of(properties)
    assert says in str(refused.value)


def test_no_secret_is_shown():
    properties = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": SCRAM,
    }
    assert "p w" not in repr(security_of(properties))
    bearer = {"sasl.mechanism": "OAUTHBEARER", "sasl.jaas.config": OAUTH}
    url = {"sasl.oauthbearer.token.endpoint.url": "https://idp/token"}
    assert "cret" not in repr(security_of({**properties, **bearer, **url}))
