"""What a browser keeps on its way to the issuer is good for that way alone, and not for long."""

import base64
import hashlib

import pytest

from controlplane.console.way import LIFETIME_S, new_way, sealed, way_of

KEY, OTHER_KEY = bytes(32), bytes([1] * 32)
NOW = 1_700_000_000


def test_any_control_plane_with_the_same_key_knows_the_way():
    way = new_way("/console/nodes", NOW)
    assert way_of(KEY, sealed(KEY, way), NOW) == way
    assert way_of(OTHER_KEY, sealed(KEY, way), NOW) is None
    assert way_of(KEY, sealed(KEY, way), NOW + LIFETIME_S) is None


@pytest.mark.parametrize("cookie", ["", "made up", "a.b.c"])
def test_what_is_made_up_is_no_way(cookie: str):
    assert way_of(KEY, cookie, NOW) is None


def test_an_answer_matches_by_what_was_asked_with():
    way = new_way("/", NOW)
    assert way.matches(way.state)
    assert not way.matches("")
    assert not way.matches(way.nonce)


def test_the_challenge_is_the_verifiers_s256():
    way = new_way("/", NOW)
    digest = base64.urlsafe_b64decode(way.challenge + "=")
    assert digest == hashlib.sha256(way.verifier.encode()).digest()
    assert 43 <= len(way.verifier) <= 128, "RFC 7636, section 4.1"
