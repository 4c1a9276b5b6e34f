import jwt
import pytest

from dataplane.sasl import plain

KEY = b"k" * 32
NOW = 1_000_000.0


def token(key=KEY, algorithm="HS256", **claims):
    return jwt.encode(
        {"username": "sa", "vcluster": "teamA", "exp": int(NOW) + 60} | claims, key, algorithm
    )


def test_a_message_has_three_parts():
    assert plain.parse(b"\0sa\0secret") == ("sa", "secret")
    assert plain.parse(b"sa\0sa\0secret") == ("sa", "secret")


@pytest.mark.parametrize(
    "message",
    [b"", b"sa", b"\0sa", b"\0\0secret", b"\0sa\0", b"a\0b\0c\0d", b"\0\xff\0x", b"o\0sa\0s"],
)
def test_other_messages_are_malformed(message):
    with pytest.raises(plain.MalformedCredentialsError):
        plain.parse(message)


def test_a_token_is_not_shown():
    assert "secret" not in repr(plain.parse(b"\0sa\0secret"))


def test_the_incumbents_tokens_and_ours_are_accepted():
    theirs = plain.verify(token(), "sa", KEY, NOW)
    assert (theirs.username, theirs.vcluster, theirs.iat) == ("sa", "teamA", None)
    ours = plain.verify(token(iat=5, jti="7"), "sa", KEY, NOW)
    assert (ours.iat, ours.jti) == (5, "7")


@pytest.mark.parametrize(
    ("bad", "username", "error"),
    [
        (token(exp=int(NOW)), "sa", plain.ExpiredTokenError),
        (token(key=b"x" * 32), "sa", plain.ForgedTokenError),
        (token(), "other", plain.OtherUserError),
        ("motorhead", "sa", plain.MalformedCredentialsError),
        ("é", "sa", plain.MalformedCredentialsError),
        (token(algorithm="HS512", key=b"k" * 64), "sa", plain.MalformedCredentialsError),
        (token(exp="soon"), "sa", plain.MalformedCredentialsError),
        (token(vcluster=None), "sa", plain.MalformedCredentialsError),
        (jwt.encode({"username": "sa"}, KEY), "sa", plain.MalformedCredentialsError),
        (
            jwt.encode({"username": "sa", "vcluster": "teamA", "exp": 2**40}, None, "none"),
            "sa",
            plain.MalformedCredentialsError,
        ),
    ],
)
def test_other_tokens_are_refused_without_repeating_them(bad, username, error):
    with pytest.raises(error) as refused:
        plain.verify(bad, username, KEY, NOW)
    assert bad not in str(refused.value)
