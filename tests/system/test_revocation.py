"""Whatever a connection rests on: when it is taken back, every node closes it within a second."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from contract.cluster_security import Password
from sandbox.environment import Environment
from sandbox.plan import Component, Plan, Profile
from sandbox.ports import reserved_ports
from tests.dataplane.gateway.logins import Issuer
from tests.system.conftest import VARIABLES
from tests.system.inspection import inspect
from tests.system.operator import Operator
from upstream.login import Login
from upstream.sasl.mechanism import ClientMechanism
from upstream.sasl.oauthbearer import OAuthBearerClient
from upstream.sasl.plain import PlainClient
from upstream.sasl.scram import PasswordKeys, ScramClient

pytestmark = [pytest.mark.environment, pytest.mark.timeout(120)]

LIMIT_S = 1.0
"""From the control plane's answer to the end of the last connection."""

Credential: TypeAlias = Callable[[], ClientMechanism]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer") / "jwks.json")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Operator]:
    with reserved_ports() as ports:
        plan = Plan(
            folder=tmp_path_factory.mktemp("system"),
            profile=Profile.SMALL,
            ports=ports,
            components=frozenset({Component.GATEWAYS}),
            control_plane_variables=VARIABLES,
            gateway_variables=issuer.variables,
        )
        with Environment(plan) as environment:
            operator = Operator(environment)
            yield operator
            inspect(operator)


class Connection:
    """A logged-in connection to one slot of a node."""

    def __init__(self, port: int, mechanism: ClientMechanism) -> None:
        self._socket = socket.create_connection(("localhost", port), timeout=10)
        try:
            self._log_in(Login(mechanism))
        except BaseException:
            self._socket.close()
            raise

    def _log_in(self, login: Login) -> None:
        request: bytes | None = login.begin()
        while request is not None:
            self._socket.sendall(struct.pack(">i", len(request)) + request)
            (length,) = struct.unpack(">i", self._exactly(4))
            request = login.answered(self._exactly(length))

    def ends_by(self, deadline: float) -> bool:
        """Whether the node closes the connection in time."""
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self._socket.close()

    def _exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            chunk = self._socket.recv(count - len(received))
            assert chunk, "the gateway closed the connection"
            received += chunk
        return received


def with_token(operator: Operator, vcluster: str) -> Credential:
    token = operator.token(vcluster)
    return lambda: PlainClient(Password(mechanism="PLAIN", username="sa", password=token))


def with_password(operator: Operator, vcluster: str) -> Credential:
    operator.token(vcluster)
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/password"
    made = operator.call("POST", path, json={}).json()
    login = Password(
        mechanism="SCRAM-SHA-512", username=made["username"], password=made["password"]
    )
    return lambda: ScramClient(login, PasswordKeys(login), "nonce")


def revoked(operator: Operator, vcluster: str, plane: int) -> None:
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/revoke"
    assert operator.call("POST", path, plane).status_code == 204


def password_changed(operator: Operator, vcluster: str, plane: int) -> None:
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/password"
    assert operator.call("POST", path, plane, json={}).status_code == 200


def deleted(operator: Operator, vcluster: str, plane: int) -> None:
    assert operator.call("DELETE", f"/api/v1/virtual-clusters/{vcluster}", plane).status_code == 204


def assert_cut(operator: Operator, credential: Credential, take_back: Callable[[], None]) -> None:
    ports = operator.environment.plan.ports
    open_ones = [_logged_in(ports.gateway(node), credential) for node in (0, 1) for _ in range(3)]
    take_back()
    deadline = time.monotonic() + LIMIT_S
    assert [connection.ends_by(deadline) for connection in open_ones] == [True] * 6


def _logged_in(port: int, credential: Credential) -> Connection:
    """Log in as soon as the node knows the account."""
    give_up_at = time.monotonic() + 10
    while True:
        try:
            return Connection(port, credential())
        except Exception:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("plane", [0, 1])
@pytest.mark.parametrize(
    ("credential_of", "take_back"),
    [
        (with_token, revoked),
        (with_token, deleted),
        (with_password, revoked),
        (with_password, password_changed),
        (with_password, deleted),
    ],
)
def test_every_node_cuts_within_a_second(
    operator: Operator,
    vcluster: str,
    credential_of: Callable[[Operator, str], Credential],
    take_back: Callable[[Operator, str, int], None],
    plane: int,
):
    credential = credential_of(operator, vcluster)
    assert_cut(operator, credential, lambda: take_back(operator, vcluster, plane))


def test_a_name_that_is_taken_away_is_cut_within_a_second(
    operator: Operator, vcluster: str, issuer: Issuer
):
    operator.token(vcluster)
    path = f"/api/v1/virtual-clusters/{vcluster}/accounts/sa/external-names"
    assert operator.call("PUT", path, json={"externalNames": [vcluster]}).status_code == 200
    token = issuer.token(vcluster)

    def take_back() -> None:
        assert operator.call("PUT", path, json={"externalNames": []}).status_code == 200

    assert_cut(operator, lambda: OAuthBearerClient(token), take_back)


def test_other_connections_stay(operator: Operator, vcluster: str):
    stays = with_token(operator, f"stays-{vcluster}")
    goes = with_token(operator, vcluster)
    port = operator.environment.plan.ports.gateway(0)
    staying = _logged_in(port, stays)
    assert_cut(operator, goes, lambda: revoked(operator, vcluster, 0))
    assert not staying.ends_by(time.monotonic() + 0.2)
