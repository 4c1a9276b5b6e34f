"""Configuration: what cannot be used is said by name, and secrets are never shown."""

import base64

import pydantic
import pytest

from contract.clusters_file import ClustersFileError
from contract.complaints import complaints
from controlplane.settings import Settings

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def values(tmp_path) -> dict[str, str]:
    path = tmp_path / "clusters.yaml"
    path.write_text(
        """
config:
  main: {bootstrap.servers: "a:1"}
  failover: {bootstrap.servers: "b:1", gateway.roles: failover}
"""
    )
    return {
        "database_url": "postgresql://",
        "gateway_backend_kafka_selector": f"file : {{ path: {path} }}",
        "gateway_user_pool_secret_key": KEY,
        "interlock_node_token": "t" * 16,
    }


def test_the_scope_is_main_and_the_control_topic_lives_on_the_failover_cluster(values):
    settings = Settings(**values)
    assert (settings.scope, settings.control_cluster.name) == ("main", "failover")


def test_nobody_may_administrate_unless_configured(values):
    assert Settings(**values).admin_users == ()


def test_users_are_read_as_the_incumbent_writes_them(values):
    users = "[{username: admin, password: conduktor, admin: true}]"
    (admin,) = Settings(**values, gateway_admin_api_users=users).admin_users
    assert (admin.username, admin.admin) == ("admin", True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("gateway_user_pool_secret_key", "not base64!", "openssl rand"),
        ("gateway_user_pool_secret_key", base64.b64encode(b"secret").decode(), "256 bits"),
        ("interlock_node_token", "secret", "16 characters"),
        ("gateway_admin_api_users", "secret", "is not a list"),
        ("gateway_admin_api_users", "[{username: ann}]", "user ann needs either a password"),
        (
            "gateway_admin_api_users",
            "[{username: ann, password: secret, role: boss}]",
            "Invalid enum value 'boss'",
        ),
        ("gateway_http_port", "70000", "65535"),
        ("interlock_lease_s", "0", "greater than 0"),
    ],
)
def test_what_cannot_be_used_is_named_without_showing_it(values, name, value, said):
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings(**(values | {name: value}))
    (error,) = caught.value.errors(include_url=False, include_context=False, include_input=False)
    assert error["loc"] == (name,)
    assert said in error["msg"]
    assert "secret" not in str(caught.value).replace("gateway_user_pool_secret_key", "")


def test_an_unknown_control_cluster_is_named(values):
    settings = Settings(**values, interlock_control_cluster="nope")
    with pytest.raises(ClustersFileError, match="INTERLOCK_CONTROL_CLUSTER is 'nope'"):
        _ = settings.control_cluster


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"gateway_https_client_auth": "REQUIRE"},
            "GATEWAY_HTTPS_CLIENT_AUTH REQUIRE needs GATEWAY_HTTPS_KEY_STORE_PATH",
        ),
        (
            {"gateway_https_client_auth": "REQUIRE", "gateway_https_key_store_path": "/own.pem"},
            "GATEWAY_HTTPS_CLIENT_AUTH REQUIRE needs GATEWAY_HTTPS_TRUST_STORE_PATH",
        ),
        (
            {"interlock_oidc_issuer": "https://idp.example"},
            "INTERLOCK_OIDC_ISSUER needs INTERLOCK_OIDC_AUDIENCES",
        ),
        (
            {"interlock_oidc_issuer": "idp.example"},
            "INTERLOCK_OIDC_ISSUER is no URL that begins with https: or http:",
        ),
        (
            {
                "interlock_oidc_issuer": "https://idp.example",
                "interlock_oidc_audiences": "interlock",
                "interlock_oidc_roles": "{team: boss}",
            },
            "INTERLOCK_OIDC_ROLES is not of the form {platform-team: admin, on-call: operator}:",
        ),
        ({"interlock_mirror": "process"}, "INTERLOCK_MIRROR=process needs"),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(values, given, said):
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings(**(values | given))
    line = complaints(caught.value)
    assert line.startswith(f"interlock: {said}")
    assert "\n" not in line
