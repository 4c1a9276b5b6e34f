"""Whatever a client sends, an exchange ends in an outcome or in a refusal that it may read."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from contract.issuer_tokens import TokenRules
from dataplane.sasl.mechanism import AuthenticationError, Mechanism, Proved
from dataplane.sasl.oauthbearer import OAuthBearer
from dataplane.sasl.plain import Plain
from dataplane.sasl.scram import Scram

PIECES = st.sampled_from(
    (
        *(b"n,,", b"y,a=x,", b"n=sa@teamA", b",r=", b",p=", b"c=biws", b"=", b",", b"\0", b"\x01"),
        *(
            b"auth=Bearer ",
            b"e30.e30.e30",
            b"eyJhbGciOiJub25lIn0.e30.",
            b"abc",
            b"\xff",
            b"\xc3\xa9",
        ),
    )
)
MESSAGES = st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=12).map(b"".join)


def mechanisms() -> list[Mechanism]:
    return [
        Plain(b"k" * 32, 0),
        Scram("SCRAM-SHA-256", lambda _vcluster, _name: None, "nonce", b"k" * 32),
        Scram("SCRAM-SHA-512", lambda _vcluster, _name: None, "nonce", b"k" * 32),
        OAuthBearer(TokenRules(issuer=None, audiences=()), lambda _kid: [], lambda _name: None),
    ]


@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_nothing_but_a_refusal_comes_of_noise(messages: list[bytes]):
    for mechanism in mechanisms():
        with contextlib.suppress(AuthenticationError):
            for message in messages:
                assert not isinstance(mechanism.respond(message), Proved)
