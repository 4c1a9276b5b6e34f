"""Ids of topics as one tenant's clients know them."""

from contract.topic_ids import NO_ID, packed
from dataplane.virtual.own_topics import OwnTopics
from dataplane.virtual.topic_ids import NOTHING_MOVED, MovedIds, TopicIds

BORN, HERE, OTHER = (bytes([n]) * 16 for n in (1, 2, 3))
MOVED = MovedIds(packed([(BORN, HERE)]))


def test_nothing_is_exchanged_before_a_topic_has_moved():
    ids = TopicIds("team", NOTHING_MOVED, [], OwnTopics())
    assert not ids
    assert (ids.shown(HERE), ids.here(HERE)) == (HERE, HERE)


def test_what_has_moved_is_known_by_its_born_id_and_all_else_by_its_own():
    ids = TopicIds("team", MOVED, [], OwnTopics())
    assert ids
    assert (ids.shown(HERE), ids.here(BORN)) == (BORN, HERE)
    assert (ids.shown(OTHER), ids.here(OTHER)) == (OTHER, OTHER)


def test_an_alias_has_an_id_of_its_own_that_stays_when_the_topic_moves():
    at_home = TopicIds("team", NOTHING_MOVED, [(b"lent", b"rival-t")], OwnTopics())
    away = TopicIds("team", MOVED, [(b"lent", b"rival-t")], OwnTopics())
    own = at_home.shown_as(b"lent", BORN)
    assert own not in {BORN, HERE, NO_ID}
    assert away.shown_as(b"lent", HERE) == own
    assert (away.shown(HERE), away.here(own)) == (own, HERE)


def test_two_tenants_and_two_aliases_have_different_ids_for_one_topic():
    aliases = [(b"a", b"t"), (b"b", b"t")]
    one, other = (
        TopicIds("team", MOVED, aliases, OwnTopics()),
        TopicIds("rival", MOVED, aliases, OwnTopics()),
    )
    shown = [ids.shown_as(name, HERE) for ids in (one, other) for name in (b"a", b"b")]
    assert len({*shown, BORN, HERE}) == 6


def test_an_alias_of_a_topic_that_was_made_anew_is_another_one():
    ids = TopicIds("team", NOTHING_MOVED, [(b"lent", b"t")], OwnTopics())
    before = ids.shown_as(b"lent", BORN)
    assert ids.shown_as(b"lent", OTHER) != before
    assert ids.shown(OTHER) == ids.shown_as(b"lent", OTHER)


def test_what_the_cluster_has_not_told_yet_has_to_be_asked():
    ids = TopicIds(
        "team", NOTHING_MOVED, [(b"lent", b"rival-t"), (b"gone", b"rival-u")], OwnTopics()
    )
    assert ids.untold == {b"rival-t", b"rival-u"}
    ids.learn(b"rival-t", HERE)
    ids.learn(b"rival-u", NO_ID)
    assert ids.untold == frozenset()
    assert ids.shown(HERE) != HERE
    assert ids.shown(NO_ID) == NO_ID


def test_own_topics_are_known_whatever_cluster_serves_and_aliases_once_it_has_told_their_ids():
    own = OwnTopics()
    at_home = TopicIds("team", NOTHING_MOVED, [(b"lent", b"rival-t")], own)
    own.learn(BORN, b"team-orders")
    away = TopicIds("team", MOVED, [(b"lent", b"rival-t")], own)
    assert (at_home.named(BORN), away.named(BORN)) == (b"team-orders", b"team-orders")
    lent = at_home.shown_as(b"lent", OTHER)
    assert (at_home.named(lent), away.named(lent)) == (b"rival-t", None)
    assert away.named(OTHER) is None
