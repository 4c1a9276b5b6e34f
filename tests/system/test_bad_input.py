"""Whatever comes in: one clear answer, one line in the log, and nobody else is troubled."""

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import jwt
import pytest

from sandbox.process import wait_until
from tests.system.evidence import assert_all_written
from tests.system.load import Load
from tests.system.operator import PATIENCE, VIEWER, Operator
from tests.system.raw_client import SASL_AUTHENTICATION_FAILED, RawClient

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

TOPIC = "orders"
SWITCH = "/admin/pclusters/v1/pcluster/main/switch"
OWN = "/api/v1/switches"
SWITCHED = {"message": "Cluster switched"}


@pytest.fixture(scope="module")
def others(operator: Operator) -> Iterator[Load]:
    """Clients of both gateways, who must not notice anything of what happens here."""
    operator.create_topic("others-", TOPIC)
    with Load([operator.client("others-", gateway) for gateway in (0, 1)], TOPIC) as load:
        load.wait_for_more(20)
        yield load
    assert load.errors == []
    assert_all_written(operator, load, "others-" + TOPIC)


@pytest.fixture(autouse=True)
def _others_go_on(others: Load) -> Iterator[None]:
    yield
    others.wait_for_more(20)
    assert others.errors == []


def said(answer: httpx.Response) -> tuple[int, Any]:
    """Status and the text that tells what is wrong."""
    body = answer.json()
    return answer.status_code, body.get("message", body.get("detail"))


def refused(operator: Operator, status: int, text: str, path: str, **arguments: Any) -> None:
    """Both control planes refuse with the same words, and record at most that it was tried."""
    seq = operator.events()[-1]["seq"]
    for plane in (0, 1):
        assert said(operator.call("POST", path, plane, **arguments)) == (status, text)
    assert changes(operator, seq) == []


def changes(operator: Operator, after: int) -> list[str]:
    """Kinds of the events since then, but for those that tell who tried something."""
    kinds = [event["kind"] for event in operator.events(after=after)]
    return [kind for kind in kinds if not kind.startswith("access.")]


# --- switches ------------------------------------------------------------------------------------


def test_an_unknown_target(operator: Operator):
    text = "cluster id mars is not configured; there are main, failover"
    refused(operator, 400, text, f"{SWITCH}?to=mars")
    refused(operator, 400, text, OWN, json={"toCluster": "mars"})


def test_an_unknown_cluster(operator: Operator):
    text = "cluster id mars is not one that virtual clusters are bound to"
    path = "/admin/pclusters/v1/pcluster/mars/switch?to=failover"
    refused(operator, 400, text, path)
    refused(operator, 404, text, OWN, json={"toCluster": "failover", "scope": "mars"})


def test_no_target(operator: Operator):
    status, text = said(operator.call("POST", SWITCH))
    assert status == 400
    assert "to" in text


def test_a_switch_to_where_it_is(operator: Operator):
    here = operator.routing()["cluster"]
    seq = operator.events()[-1]["seq"]
    assert operator.switch(here).json() == SWITCHED
    text = f"scope main is served by {here} already"
    refused(operator, 409, text, OWN, json={"toCluster": here})
    assert changes(operator, seq) == []


def test_a_switch_while_one_runs(operator: Operator, others: Load):
    """It waits for a mirror that does not exist; whoever asks for the same, waits with it."""
    served = operator.wait_for_agreement()
    to = operator.other_cluster()
    seq = operator.events()[-1]["seq"]
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(operator.switch, to, 0, "mirror")
        wait_until(lambda: operator.open_switches() != [], "a switch is open", PATIENCE)
        switch = operator.open_switches()[0]["switchId"]
        same = callers.submit(operator.switch, to, 1, "mirror")
        for answer in (
            operator.call("POST", f"{SWITCH}?to={served['cluster']}"),
            operator.call("POST", OWN, json={"toCluster": served["cluster"]}),
            operator.call("POST", OWN, json={"toCluster": to}),
        ):
            status, text = said(answer)
            assert status == 409
            assert f"scope main is being switched to {to} already (switch {switch}," in text
        for answer in (first.result(), same.result()):
            assert answer.status_code == 503
            assert answer.json()["message"].startswith(
                f"Cluster not switched: cluster {to} does not hold everything that"
                f" {served['cluster']} holds: others-orders-0"
            )
    requested = operator.events(after=seq, kind="switch.requested")
    assert [event["data"]["switch_id"] for event in requested] == [switch]
    assert operator.routing()["epoch"] == served["epoch"]


def test_an_unreachable_target(operator: Operator, others: Load):
    """Nothing is fenced for it."""
    assert operator.routing()["cluster"] == "main"
    seq = operator.events()[-1]["seq"]
    broker = operator.environment.process("failover-kafka1")
    broker.kill()
    try:
        answer = operator.switch("failover")
        assert answer.status_code == 503
        address = operator.environment.failover.bootstrap_servers
        assert answer.json()["message"].startswith(
            f"Cluster not switched: cluster failover at {address} does not answer"
        )
    finally:
        broker.restart()
    happened = [event["kind"] for event in operator.events(after=seq, kind="switch")]
    assert happened == ["switch.requested", "switch.rejected"]


# --- the administration API ----------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, ("admin", "wrong"), ("nobody", "conduktor")])
@pytest.mark.parametrize("path", [f"{SWITCH}?to=failover", OWN])
def test_wrong_credentials(operator: Operator, auth: tuple[str, str] | None, path: str):
    text = "user name and password are missing or wrong"
    refused(operator, 401, text, path, auth=auth, json={"toCluster": "failover"})


@pytest.mark.parametrize("path", [f"{SWITCH}?to=failover", OWN])
def test_no_permission(operator: Operator, path: str):
    text = (
        "You do not have permission to call this API, please contact your administrator."
        " (viewer has the role viewer, this takes operator)"
    )
    refused(operator, 403, text, path, auth=VIEWER, json={"toCluster": "failover"})


@pytest.mark.parametrize(
    "body",
    ["{", '{"lifeTimeSeconds": "soon"}', "[]", '{"lifeTimeSeconds": 1e400}', "", "\x00"],
    ids=["cut off", "wrong type", "a list", "too large", "empty", "not text"],
)
def test_malformed_json(operator: Operator, vcluster: str, body: str):
    seq = operator.events()[-1]["seq"]
    path = f"/admin/vclusters/v1/vcluster/{vcluster}/username/sa"
    headers = {"content-type": "application/json"}
    status, text = said(operator.call("POST", path, content=body, headers=headers))
    assert status == 400
    assert text
    assert changes(operator, seq) == []


@pytest.mark.parametrize("seconds", [0, -1, 10**12])
def test_a_senseless_lifetime(operator: Operator, vcluster: str, seconds: int):
    text = f"lifeTimeSeconds is {seconds}; use 1 to 3153600000 seconds"
    path = f"/admin/vclusters/v1/vcluster/{vcluster}/username/sa"
    refused(operator, 400, text, path, json={"lifeTimeSeconds": seconds})


@pytest.mark.parametrize("name", ["o", "others", "others-2", "others-orders"])
def test_a_name_that_overlaps_with_another(operator: Operator, name: str, others: Load):
    path = f"/admin/vclusters/v1/vcluster/{name}/username/sa"
    text = (
        f"the name {name} overlaps with virtual cluster others-: topics are named by putting"
        " the virtual cluster's name in front, so none may begin with another's"
        " (names of deleted ones included)"
    )
    refused(operator, 409, text, path, json={"lifeTimeSeconds": 60})
    refused(operator, 409, text, "/api/v1/virtual-clusters", json={"name": name})


# --- log-ins -------------------------------------------------------------------------------------


def forged(claims: dict[str, Any], key: bytes, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm=algorithm)


def failures(operator: Operator, index: int, after: int) -> list[str]:
    """What a node's log says of failed log-ins, from a line on."""
    reasons = (line.get("reason", "") for line in operator.node_log(index)[after:])
    return [reason for reason in reasons if reason.startswith("authentication failed")]


def log_in(operator: Operator, password: str, user: str = "sa") -> tuple[int, str | None]:
    """The same answer from both gateways, and one line in the log of each."""
    answers = set()
    for index in (0, 1):
        lines = operator.node_log(index)
        with RawClient(operator.environment.plan.ports.gateway(index)) as client:
            code, text = client.log_in(password, user)
        answers.add((code, text))
        wanted = [f"authentication failed: {text}"] if code else []
        seen = partial(failures, operator, index, len(lines))
        wait_until(lambda seen=seen, wanted=wanted: seen() == wanted, f"the node says {wanted}")
        assert password not in str(operator.node_log(index)[len(lines) :])
    assert len(answers) == 1
    return answers.pop()


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def accepted_token(operator: Operator, vcluster: str) -> str:
    """A token of a virtual cluster that both nodes know by now."""
    token = operator.token(vcluster)
    for index in (0, 1):
        wait_until(partial(accepts, operator, index, token), "the token is accepted", PATIENCE)
    return token


def accepts(operator: Operator, index: int, token: str) -> bool:
    with RawClient(operator.environment.plan.ports.gateway(index)) as client:
        return client.log_in(token) == (0, None)


def test_a_good_token(operator: Operator, vcluster: str):
    assert log_in(operator, accepted_token(operator, vcluster)) == (0, None)


def test_an_expired_token(operator: Operator, vcluster: str):
    token = operator.token(vcluster, lifetime_s=1)
    now = time.time  # noqa: TID251 - a token's expiry is a wall-clock time
    wait_until(lambda: now() > claims(token)["exp"], "the token has expired", 5)
    text = "the token of sa has expired: create a new one"
    assert log_in(operator, token) == (SASL_AUTHENTICATION_FAILED, text)


def test_a_token_signed_by_somebody_else(operator: Operator, vcluster: str):
    token = forged(claims(operator.token(vcluster)), b"k" * 32)
    text = "the password is not a token of this gateway"
    assert log_in(operator, token) == (SASL_AUTHENTICATION_FAILED, text)


def test_a_token_of_another_algorithm(operator: Operator, vcluster: str):
    key = base64.b64decode(operator.environment.secrets.signing_key)
    known = claims(operator.token(vcluster))
    text = "the password is not a token: create one for the service account and use it"
    for token in (
        forged(known, key * 2, "HS512"),
        jwt.encode(known, None, algorithm="none"),
        "conduktor",
        "a.b.c",
    ):
        assert log_in(operator, token) == (SASL_AUTHENTICATION_FAILED, text)


def test_a_token_of_another_user(operator: Operator, vcluster: str):
    token = operator.token(vcluster, user="alice")
    text = "the token was not issued to bob"
    assert log_in(operator, token, user="bob") == (SASL_AUTHENTICATION_FAILED, text)


def test_a_token_of_a_virtual_cluster_that_does_not_exist(operator: Operator, vcluster: str):
    key = base64.b64decode(operator.environment.secrets.signing_key)
    token = forged(claims(operator.token(vcluster)) | {"vcluster": "mars"}, key)
    text = "virtual cluster mars does not exist here"
    assert log_in(operator, token) == (SASL_AUTHENTICATION_FAILED, text)


def test_a_token_changed_to_name_another_virtual_cluster(operator: Operator, vcluster: str):
    header, _, signature = operator.token(vcluster).split(".")
    own = claims(operator.tokens[-1]) | {"vcluster": "others-"}
    payload = jwt.encode(own, b"k" * 32, algorithm="HS256").split(".")[1]
    text = "the password is not a token of this gateway"
    assert log_in(operator, f"{header}.{payload}.{signature}") == (
        SASL_AUTHENTICATION_FAILED,
        text,
    )


def test_a_revoked_account_is_cut_off_at_once(operator: Operator, vcluster: str):
    token = accepted_token(operator, vcluster)
    ports = [operator.environment.plan.ports.gateway(index) for index in (0, 1)]
    with RawClient(ports[0]) as first, RawClient(ports[1]) as second:
        for client in (first, second):
            assert client.log_in(token) == (0, None)
        path = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/revoke"
        began = time.monotonic()
        assert operator.call("POST", path).status_code == 204
        for client in (first, second):
            assert client.read_to_end() == b""
        assert time.monotonic() - began < 3
    text = "the tokens of sa were revoked; ask for a new one"
    assert log_in(operator, token) == (SASL_AUTHENTICATION_FAILED, text)
    assert log_in(operator, operator.token(vcluster)) == (0, None)


# --- the Kafka port ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "the peer speaks HTTP; this is a Kafka port",
        ),
        (
            bytes.fromhex("16030100f8010000f40303") + bytes(64),
            "the peer speaks TLS; this port is plain text (security.protocol)",
        ),
        (
            b"\x7f\xff\xff\xff" + bytes(64),
            "frame length 2147483647 is above the limit of 524288 bytes",
        ),
        (b"\xff\xff\xff\xff" + bytes(64), "frame length -1 is not positive"),
        (b"\0\0\0\0", "frame length 0 is not positive"),
        (
            b"\0\0\0\x08" + b"\0\x00\0\x09\0\0\0\1",
            "Produce before authentication: check security.protocol, the gateway wants a log-in",
        ),
    ],
    ids=["HTTP", "TLS", "2 GB", "negative", "empty frame", "no log-in"],
)
def test_bytes_that_are_not_for_us(operator: Operator, sent: bytes, reason: str):
    for index in (0, 1):
        with RawClient(operator.environment.plan.ports.gateway(index)) as client:
            peer = client.peer
            client.send(sent)
            assert client.read_to_end() == b""
        lines = [line for line in operator.node_log(index) if line.get("peer") == peer]
        assert [(line["event"], line["reason"]) for line in lines] == [
            ("client connection closed", reason)
        ]


@pytest.mark.parametrize("body", [b"", b"\0\x12", b"\xff" * 64, bytes(64)])
def test_frames_that_end_too_soon_or_are_garbage(operator: Operator, body: bytes):
    with RawClient(operator.environment.plan.ports.gateway(0)) as client:
        peer = client.peer
        client.send((len(body) or 1).to_bytes(4, "big") + (body or b"\0"))
        client.read_to_end()
    lines = [line for line in operator.node_log(0) if line.get("peer") == peer]
    assert [line["event"] for line in lines] == ["client connection closed"]


def test_half_a_frame(operator: Operator):
    """Whoever leaves in the middle of a frame leaves nothing behind, logged in or not."""
    before = operator.node_metric(0, "interlock_node_connections")
    token = operator.token("others-")
    for logs_in in (False, True):
        with RawClient(operator.environment.plan.ports.gateway(0)) as client:
            if logs_in:
                assert client.log_in(token) == (0, None)
            client.send(b"\0\0\1\0half")
    wait_until(
        lambda: operator.node_metric(0, "interlock_node_connections") <= before,
        "the connections are gone",
    )


def test_two_gigabytes_after_the_log_in(operator: Operator):
    with RawClient(operator.environment.plan.ports.gateway(0)) as client:
        peer = client.peer
        assert client.log_in(operator.token("others-")) == (0, None)
        client.send(b"\x7f\xff\xff\xff")
        assert client.read_to_end() == b""
    lines = [line for line in operator.node_log(0) if line.get("peer") == peer]
    reason = "frame length 2147483647 is above the limit of 104857600 bytes"
    assert [line["reason"] for line in lines] == [reason]
