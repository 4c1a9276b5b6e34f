"""Passwords and external names of accounts."""

import msgspec
import pytest

from contract.records import ServiceAccount
from contract.scram import make_verifier
from controlplane.domain import commands, events
from controlplane.domain.decide import decide
from controlplane.domain.facts import Facts
from controlplane.domain.refusal import Conflict, Invalid, Missing
from tests.controlplane.histories import OPEN, TEAM_A, facts_of, take

TEAM_B = events.VirtualClusterCreated(name="teamB", scope="main", cluster_id="y")
VERIFIER = make_verifier("SCRAM-SHA-256", "pencil", b"salt", 4096)
PASSWORD = commands.SetScramVerifiers(
    vcluster="teamA", name="sa", verifiers={"SCRAM-SHA-256": VERIFIER}
)


def named(*names: str, vcluster: str = "teamA", name: str = "sa") -> commands.SetExternalNames:
    return commands.SetExternalNames(vcluster=vcluster, name=name, external_names=names)


def carried_out(facts: Facts, command: commands.Command) -> list[str]:
    decided = decide(facts, command)
    for event in decided:
        take(facts, event)
    return [event.kind for event in decided]


def account(facts: Facts, name: str = "sa") -> ServiceAccount:
    state = facts.control.get(f"account/teamA/{name}")
    assert isinstance(state, ServiceAccount)
    return state


def test_a_password_creates_the_account_and_leaves_the_rest_as_it_is():
    facts = facts_of(OPEN, TEAM_A)
    assert carried_out(facts, PASSWORD) == ["account.created", "account.password_set"]
    assert carried_out(facts, named("app")) == ["account.external_names_set"]
    assert account(facts).scram == {"SCRAM-SHA-256": VERIFIER}
    assert account(facts).external_names == ("app",)


def test_what_is_so_already_is_no_event():
    facts = facts_of(OPEN, TEAM_A)
    carried_out(facts, named("app", "app"))
    assert account(facts).external_names == ("app",)
    assert carried_out(facts, named("app")) == []


def test_nobody_is_two_accounts():
    facts = facts_of(OPEN, TEAM_A, TEAM_B)
    carried_out(facts, named("app"))
    with pytest.raises(Conflict, match="'app' is account sa of virtual cluster teamA already"):
        decide(facts, named("other", "app", vcluster="teamB"))
    with pytest.raises(Conflict):
        decide(facts, named("app", name="sb"))


def test_a_revocation_takes_everything():
    facts = facts_of(OPEN, TEAM_A)
    carried_out(facts, PASSWORD)
    carried_out(facts, named("app"))
    carried_out(facts, commands.RevokeAccount(vcluster="teamA", name="sa", now=1000))
    revoked = account(facts)
    assert (revoked.revoked_at, revoked.scram, revoked.external_names) == (1000, {}, ())
    assert carried_out(facts, named("app", name="sb"))[-1] == "account.external_names_set"


def test_a_deleted_virtual_cluster_s_accounts_are_revoked():
    facts = facts_of(OPEN, TEAM_A, TEAM_B)
    carried_out(facts, named("app"))
    delete = commands.DeleteVirtualCluster(name="teamA", now=2000)
    assert carried_out(facts, delete) == ["account.revoked", "vcluster.deleted"]
    carried_out(facts, named("app", vcluster="teamB"))
    take(facts, TEAM_A)
    assert account(facts).revoked_at == 2000


@pytest.mark.parametrize("names", [("",), ("x" * 1025,), ("a\nb",), tuple(map(str, range(33)))])
def test_names_that_cannot_be_are_refused(names: tuple[str, ...]):
    with pytest.raises(Invalid):
        decide(facts_of(OPEN, TEAM_A), named(*names))


def test_there_has_to_be_a_virtual_cluster():
    with pytest.raises(Missing):
        decide(facts_of(OPEN), PASSWORD)


def test_records_of_earlier_releases_are_read():
    old = b'{"type":"account","vcluster":"teamA","name":"sa","revoked_at":1}'
    read = msgspec.json.decode(old, type=ServiceAccount)
    assert (read.external_names, read.scram) == ((), {})
