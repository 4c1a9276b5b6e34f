"""Settings of a node that are about security: which go together, and how the rest is refused."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract.complaints import complaints
from dataplane.settings import GatewaySettings


def settings(**variables: Any) -> GatewaySettings:
    return GatewaySettings(
        GATEWAY_BACKEND_KAFKA_SELECTOR="file : { path: /clusters.yaml }",
        GATEWAY_USER_POOL_SECRET_KEY=base64.b64encode(bytes(32)).decode(),
        INTERLOCK_NODE_TOKEN="secret",
        **variables,
    )


def test_without_an_issuer_there_is_no_oauthbearer():
    assert settings().sasl_mechanisms == ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    with_keys = settings(GATEWAY_OAUTH_JWKS_URL="file:///jwks.json")
    assert with_keys.sasl_mechanisms[-1] == "OAUTHBEARER"


def test_mechanisms_can_be_narrowed_down():
    assert settings(INTERLOCK_SASL_MECHANISMS="PLAIN").sasl_mechanisms == ("PLAIN",)


@pytest.mark.parametrize("written", ["kafka,other", "[kafka, other]"])
def test_audiences_may_stand_in_brackets(written: str):
    rules = settings(GATEWAY_OAUTH_EXPECTED_AUDIENCES=written).token_rules
    assert rules.audiences == ("kafka", "other")


def test_with_ssl_certificates_are_asked_for():
    files = settings(
        GATEWAY_SECURITY_PROTOCOL="SSL",
        GATEWAY_SSL_KEY_STORE_PATH="/key.pem",
        GATEWAY_SSL_KEY_STORE_PASSWORD="hush",
        GATEWAY_SSL_TRUST_STORE_PATH="/ca.pem",
    ).certificate_files
    assert files is not None
    assert (files.key_store, files.client_auth) == (Path("/key.pem"), "REQUIRE")
    assert files.key_password == "hush"
    assert "hush" not in repr(files)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"GATEWAY_SECURITY_PROTOCOL": "SASL_SSL"},
            "GATEWAY_SECURITY_PROTOCOL SASL_SSL needs GATEWAY_SSL_KEY_STORE_PATH",
        ),
        (
            {"GATEWAY_SECURITY_PROTOCOL": "SSL", "GATEWAY_SSL_KEY_STORE_PATH": "/k"},
            "GATEWAY_SSL_CLIENT_AUTH REQUIRE needs GATEWAY_SSL_TRUST_STORE_PATH",
        ),
        (
            {
                "GATEWAY_SECURITY_PROTOCOL": "SSL",
                "GATEWAY_SSL_KEY_STORE_PATH": "/k",
                "GATEWAY_SSL_CLIENT_AUTH": "NONE",
            },
            "leaves nobody with a log-in",
        ),
        ({"GATEWAY_SSL_KEY_STORE_TYPE": "JKS"}, "GATEWAY_SSL_KEY_STORE_TYPE: only PEM can be read"),
        ({"INTERLOCK_SASL_MECHANISMS": "GSSAPI"}, "names 'GSSAPI'; there are PLAIN"),
        ({"INTERLOCK_SASL_MECHANISMS": "OAUTHBEARER"}, "needs GATEWAY_OAUTH_JWKS_URL"),
        ({"GATEWAY_OAUTH_JWKS_URL": "ftp://x"}, "GATEWAY_OAUTH_JWKS_URL: is no URL"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(variables: dict[str, str], says: str):
    with pytest.raises(ValidationError) as refused:
        settings(**variables)
    line = complaints(refused.value)
    assert "\n" not in line
    assert says in line
