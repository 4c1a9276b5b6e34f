"""Tokens of nodes: who shows one speaks for one node."""

import pytest

from controlplane.domain.commands import Command, IssueNodeToken, RegisterNode, RevokeNodeTokens
from controlplane.domain.decide import decide
from controlplane.domain.facts import Facts
from controlplane.domain.node_tokens import digest_of, node_token, shown_by, speaks_for_itself
from controlplane.domain.refusal import Conflict, Invalid, Missing
from tests.controlplane.histories import facts_of, take


class History:
    """Facts that commands change."""

    def __init__(self) -> None:
        self.facts: Facts = facts_of()

    def does(self, command: Command) -> None:
        for event in decide(self.facts, command):
            take(self.facts, event)


def issued(history: History, node_id: str, token_id: str) -> str:
    token = node_token(node_id, token_id, f"secret-of-{token_id}")
    digest = digest_of(token)
    history.does(IssueNodeToken(node_id=node_id, token_id=token_id, digest=digest))
    return token


def test_a_token_speaks_for_its_node():
    history = History()
    token = issued(history, "n1", "t1")
    assert shown_by(history.facts, token) == ("n1", "t1")
    for other in ("", "~", "~~", "n1~t1~", token + "x", token.replace("n1", "n2"), "n1~t2~x"):
        assert shown_by(history.facts, other) is None


def test_a_token_is_good_beside_another_until_it_is_revoked():
    history = History()
    first, second = issued(history, "n1", "t1"), issued(history, "n1", "t2")
    assert shown_by(history.facts, first) == ("n1", "t1")
    history.does(RevokeNodeTokens(node_id="n1", token_id="t1"))
    assert shown_by(history.facts, first) is None
    assert shown_by(history.facts, second) == ("n1", "t2")
    history.does(RevokeNodeTokens(node_id="n1"))
    assert shown_by(history.facts, second) is None


def test_a_node_speaks_for_itself_from_when_it_shows_its_token_until_it_has_none():
    history = History()
    issued(history, "n1", "t1")
    assert not speaks_for_itself(history.facts, "n1")
    history.does(RegisterNode(node_id="n1", incarnation="a", token_id="t1"))
    assert speaks_for_itself(history.facts, "n1")
    history.does(RevokeNodeTokens(node_id="n1"))
    assert not speaks_for_itself(history.facts, "n1")


def test_what_is_not_there_cannot_be_revoked():
    history = History()
    issued(history, "n1", "t1")
    for command in (RevokeNodeTokens(node_id="n2"), RevokeNodeTokens(node_id="n1", token_id="t2")):
        with pytest.raises(Missing):
            history.does(command)


def test_only_what_can_be_a_node_gets_a_token():
    with pytest.raises(Invalid):
        issued(History(), "n~1", "t1")


def test_a_process_that_lives_is_replaced_by_the_nodes_own_token_alone():
    history = History()
    history.does(RegisterNode(node_id="n1", incarnation="a"))
    with pytest.raises(Conflict, match="another process is node n1"):
        history.does(RegisterNode(node_id="n1", incarnation="b", other_lives=True))
    history.does(RegisterNode(node_id="n1", incarnation="a", other_lives=True))
    history.does(RegisterNode(node_id="n1", incarnation="b", token_id="t1", other_lives=True))
    assert history.facts.shown_tokens == {"n1": "t1"}
    history.does(RegisterNode(node_id="n1", incarnation="c"))
    assert history.facts.shown_tokens == {}
