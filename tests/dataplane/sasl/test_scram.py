"""The gateway's side of SCRAM, against our own client and against clients that cheat."""

import base64

import pytest

from contract.cluster_security import Password
from contract.records import ServiceAccount
from contract.scram import SCRAM_MECHANISMS, ScramMechanism, make_verifier
from dataplane.sasl.mechanism import AuthenticationError, Challenge, Proved
from dataplane.sasl.scram import Scram
from upstream.sasl.scram import PasswordKeys, ScramClient

SALT = b"s" * 24


def account(mechanism: ScramMechanism) -> ServiceAccount:
    verifier = make_verifier(mechanism, "pencil", SALT, 8192)
    return ServiceAccount(vcluster="teamA", name="sa", scram={mechanism: verifier})


def server(mechanism: ScramMechanism = "SCRAM-SHA-256") -> Scram:
    known = account(mechanism)

    def account_of(vcluster: str, name: str) -> ServiceAccount | None:
        return known if (vcluster, name) == ("teamA", "sa") else None

    return Scram(mechanism, account_of, "server", b"k" * 32)


def client(
    password: str = "pencil",
    username: str = "sa@teamA",
    mechanism: ScramMechanism = "SCRAM-SHA-256",
) -> ScramClient:
    login = Password(mechanism=mechanism, username=username, password=password)
    return ScramClient(login, PasswordKeys(login), "client")


def first(server_side: Scram, message: bytes) -> bytes:
    outcome = server_side.respond(message)
    assert isinstance(outcome, Challenge)
    return outcome.message


@pytest.mark.parametrize("mechanism", SCRAM_MECHANISMS)
def test_who_knows_the_password_is_let_in_and_so_is_the_server(mechanism: ScramMechanism):
    ours, theirs = server(mechanism), client(mechanism=mechanism)
    proof = theirs.respond(first(ours, theirs.begin()))
    assert proof is not None
    outcome = ours.respond(proof)
    assert isinstance(outcome, Proved)
    assert (outcome.proof.vcluster, outcome.proof.user) == ("teamA", "sa")
    assert theirs.respond(outcome.message) is None
    assert outcome.proof.objection(account(mechanism)) is None


@pytest.mark.parametrize(
    ("password", "username"),
    [("pen", "sa@teamA"), ("pencil", "sb@teamA"), ("pencil", "sa"), ("pencil", "sa@teamB")],
)
def test_a_wrong_password_and_an_unknown_user_are_told_the_same(password: str, username: str):
    ours, theirs = server(), client(password, username)
    challenge = first(ours, theirs.begin())
    proof = theirs.respond(challenge)
    assert proof is not None
    with pytest.raises(AuthenticationError, match="the user name or the password is wrong"):
        ours.respond(proof)
    assert b",i=8192" in challenge


def test_a_made_up_salt_looks_like_any_other_and_stays():
    message = client(username="nobody@teamA").begin()
    challenges = {first(server(), message) for _ in range(3)}
    assert len(challenges) == 1
    salt = challenges.pop().split(b",")[1].removeprefix(b"s=")
    assert len(base64.b64decode(salt)) == len(SALT)
    assert first(server(), client(username="other@teamA").begin()).split(b",")[1] != b"s=" + salt


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n,,",
        b"p=tls-unique,,n=sa@teamA,r=x",
        b"n,a=other,n=sa@teamA,r=x",
        b"n,,n=sa=,r=x",
        b"n,,n=sa@teamA",
        b"n,,n=sa@teamA,r=",
        b"n,,m=x,n=sa@teamA,r=x",
        b"n,,n=sa@teamA,r=x,tokenauth=true",
        b"n,,n=sa@teamA,r=" + b"x" * 300,
        b"\xff\xff",
        b"garbage" * 100,
    ],
)
def test_a_malformed_first_message_is_refused(message: bytes):
    with pytest.raises(AuthenticationError):
        server().respond(message)


@pytest.mark.parametrize(
    ("honest", "forged"),
    [
        (b"r=client", b"r=clienX"),
        (b"r=clientserver", b"r=client"),
        (b"c=biws", b"c=eSws"),
        (b",p=", b",p=AA"),
        (b",p=", b",q="),
        (b"c=biws,", b""),
    ],
)
def test_a_proof_that_was_tampered_with_is_refused(honest: bytes, forged: bytes):
    ours, theirs = server(), client()
    proof = theirs.respond(first(ours, theirs.begin()))
    assert proof is not None
    assert honest in proof
    with pytest.raises(AuthenticationError):
        ours.respond(proof.replace(honest, forged))


def test_a_password_that_was_changed_or_revoked_does_not_hold():
    ours, theirs = server(), client()
    outcome = ours.respond(theirs.respond(first(ours, theirs.begin())) or b"")
    assert isinstance(outcome, Proved)
    other = make_verifier("SCRAM-SHA-256", "other", SALT, 8192)
    changed = ServiceAccount(vcluster="teamA", name="sa", scram={"SCRAM-SHA-256": other})
    assert "was changed" in (outcome.proof.objection(changed) or "")
    revoked = ServiceAccount(vcluster="teamA", name="sa", revoked_at=1)
    assert "was revoked" in (outcome.proof.objection(revoked) or "")
    assert "was revoked" in (outcome.proof.objection(None) or "")
