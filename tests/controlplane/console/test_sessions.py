"""A session is what its cookie says, for as long as the user is who logged in."""

import jwt
import pytest

from contract.tokens import ALGORITHM
from controlplane.console.sessions import (
    LIFETIME_BY_ISSUER_S,
    LIFETIME_S,
    form_token,
    is_form_token,
    new_session,
    new_session_by_issuer,
    session_of,
)
from controlplane.users import Principal, Role, User

KEY, OTHER_KEY = bytes(32), bytes([1] * 32)
JOE = User(username="joe", password="secret")
NOW = 1_700_000_000


def found(cookie, *, key=KEY, users=(JOE,), trust=None, now=NOW):
    session = session_of(key, cookie, users, trust, now)
    return session[1] if session is not None else None


def test_any_control_plane_with_the_same_key_knows_the_session():
    assert found(new_session(KEY, JOE, NOW)) == JOE.principal
    assert found(new_session(KEY, JOE, NOW), key=OTHER_KEY) is None


def test_a_session_ends_by_its_time():
    cookie = new_session(KEY, JOE, NOW)
    assert found(cookie, now=NOW + LIFETIME_S - 1) == JOE.principal
    assert found(cookie, now=NOW + LIFETIME_S) is None


@pytest.mark.parametrize(
    "users",
    [
        (),
        (User(username="joe", password="another"),),
        (User(username="joe", password="secret", admin=True),),
        (User(username="jim", password="secret"),),
    ],
)
def test_a_session_ends_with_the_user_or_what_the_user_was(users):
    assert found(new_session(KEY, JOE, NOW), users=users) is None


@pytest.mark.parametrize(
    ("change", "is_good"),
    [
        ({}, True),
        ({"trust": b"other words"}, False),
        ({"trust": None}, False),
        ({"now": NOW + LIFETIME_BY_ISSUER_S}, False),
        ({"users": (User(username="olga", password="secret"),)}, False),
        ({"key": OTHER_KEY}, False),
    ],
)
def test_a_session_by_the_issuer_ends_with_what_it_is_trusted_for(change, is_good):
    olga = Principal("olga", Role.OPERATOR)
    cookie = new_session_by_issuer(KEY, olga, b"trust", NOW)
    assert found(cookie, **({"trust": b"trust"} | change)) == (olga if is_good else None)


def test_what_was_touched_is_no_session():
    cookie = new_session(KEY, JOE, NOW)
    for at in range(0, len(cookie), 7):
        other = "A" if cookie[at] != "A" else "B"
        touched = cookie[:at] + other + cookie[at + 1 :]
        # The last letter of base64 has bits that mean nothing: the signature is the same then.
        assert found(touched) is None or at == len(cookie) - 1
    for odd in ("", ".", "a.b.c", "é", jwt.encode({}, KEY, algorithm=ALGORITHM)):
        assert found(odd) is None


def test_a_client_s_token_is_no_session():
    claims = {"sub": "joe", "sid": "x", "proof": "y", "exp": NOW + 1}
    assert found(jwt.encode(claims, KEY, algorithm=ALGORITHM)) is None
    assert found(jwt.encode(claims, None, algorithm="none")) is None


def test_two_sessions_have_forms_of_their_own():
    shown = form_token(KEY, "one")
    assert is_form_token(KEY, "one", shown)
    assert not is_form_token(KEY, "two", shown)
    assert not is_form_token(OTHER_KEY, "one", shown)
    assert not is_form_token(KEY, "one", "é")
