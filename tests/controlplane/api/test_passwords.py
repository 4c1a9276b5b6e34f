"""Whose password was shown."""

import pytest

from controlplane.api.passwords import Passwords
from controlplane.users import User, hash_of

PLAIN = User(username="ann", password="pa:ss")
KEPT = User(username="joe", password_hash=hash_of(b"secret", bytes(16)))


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The users whose password is compared, one for each time."""
    made: list[str] = []
    has_password = User.has_password

    def noted(user: User, given: bytes) -> bool:
        made.append(user.username)
        return has_password(user, given)

    monkeypatch.setattr(User, "has_password", noted)
    return made


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (b"ann:pa:ss", PLAIN),
        (b"joe:secret", KEPT),
        (b"ann:secret", None),
        (b"joe:pa:ss", None),
        (b"joe", None),
        (b":", None),
        (b"", None),
        (b"eve:secret", None),
        (b"\xff:\xff", None),
    ],
)
async def test_who_it_is(given, found):
    assert await Passwords().user(given, (PLAIN, KEPT)) == found


async def test_what_was_right_is_not_worked_out_again(checks):
    passwords = Passwords()
    for _ in range(3):
        assert await passwords.user(b"joe:secret", (KEPT,)) == KEPT
    assert checks == ["joe"]
    changed = User(username="joe", password_hash=hash_of(b"other", bytes(16)))
    assert await passwords.user(b"joe:secret", (changed,)) is None


async def test_what_was_wrong_is_worked_out_each_time(checks):
    passwords = Passwords()
    for _ in range(2):
        assert await passwords.user(b"joe:guess", (KEPT,)) is None
    assert checks == ["joe", "joe"]


async def test_a_name_that_there_is_not_takes_as_long(checks):
    assert await Passwords().user(b"eve:guess", (PLAIN, KEPT)) is None
    assert checks == [""]
