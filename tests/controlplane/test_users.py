"""Users as they are configured."""

import msgspec
import pytest

from controlplane.users import Role, User, hash_of

SALT = bytes(range(16))


def user(**fields) -> User:
    return msgspec.convert({"username": "ann", "password": "x"} | fields, User)


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({}, Role.VIEWER),
        ({"admin": False}, Role.VIEWER),
        ({"admin": True}, Role.ADMIN),
        ({"role": "operator"}, Role.OPERATOR),
        ({"role": "admin", "admin": True}, Role.ADMIN),
    ],
)
def test_the_role_is_what_it_says_or_the_incumbent_s_word_for_it(fields, may):
    assert user(**fields).may is may


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"role": "viewer", "admin": True}, "admin: true and role: viewer"),
        ({"role": "boss"}, "Invalid enum value"),
        ({"password": None}, "needs either"),
        ({"passwordHash": hash_of(b"x", SALT)}, "needs either"),
        ({"password": None, "passwordHash": "5f4dcc3b"}, "not of Argon2id"),
    ],
)
def test_what_says_nothing_or_two_things_is_refused(fields, why):
    with pytest.raises(msgspec.ValidationError, match=why):
        user(**fields)


def test_each_role_may_do_what_those_before_it_may():
    covered = [[needed.value for needed in Role if role.covers(needed)] for role in Role]
    assert covered == [["viewer"], ["viewer", "operator"], ["viewer", "operator", "admin"]]


def test_a_password_is_known_by_its_hash():
    kept = user(password=None, passwordHash=hash_of("sch\u00f6n".encode(), SALT))
    assert kept.has_password("sch\u00f6n".encode())
    assert not kept.has_password(b"schon")
    assert "sch" not in (kept.password_hash or "")


def test_a_hash_that_cannot_be_is_nobody_s():
    broken = user(password=None, passwordHash="$argon2id$v=19$m=1,t=1,p=1$aaaa$bbbb")
    assert not broken.has_password(b"x")
