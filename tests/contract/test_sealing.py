"""Sealed verifiers: opened by who has the key, for the account that they were sealed for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.scram import SCRAM_MECHANISMS, ScramVerifier, make_verifier
from contract.sealing import Seal, SealError

FIRST, SECOND = b"a" * 32, b"b" * 32
VERIFIERS = {name: make_verifier(name, "a password", b"salt", 4096) for name in SCRAM_MECHANISMS}

verifiers = st.dictionaries(
    st.sampled_from(SCRAM_MECHANISMS),
    st.builds(
        ScramVerifier,
        salt=st.binary(),
        iterations=st.integers(0, 2**31),
        stored_key=st.binary(),
        server_key=st.binary(),
    ),
)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), verifiers)
def test_what_was_sealed_is_opened(vcluster, name, sealed):
    seal = Seal([FIRST])
    assert seal.open(vcluster, name, seal.seal(vcluster, name, sealed)) == sealed


def test_the_same_is_sealed_to_the_same_bytes_which_show_nothing():
    sealed = Seal([FIRST]).seal("teamA", "sa", VERIFIERS)
    assert sealed == Seal([FIRST, SECOND]).seal("teamA", "sa", VERIFIERS)
    for verifier in VERIFIERS.values():
        for secret in (verifier.stored_key, verifier.server_key):
            assert secret not in sealed
            assert base64.b64encode(secret) not in sealed


def test_nobody_else_opens_it_and_for_nobody_else():
    sealed = Seal([FIRST]).seal("teamA", "sa", VERIFIERS)
    for seal, vcluster, name in (
        (Seal([SECOND]), "teamA", "sa"),
        (Seal([FIRST]), "teamA", "sb"),
        (Seal([FIRST]), "team", "Asa"),
    ):
        with pytest.raises(SealError, match=f"the password of {name} of {vcluster}"):
            seal.open(vcluster, name, sealed)
    for broken in (b"", sealed[:-1], sealed[:15] + b"x" + sealed[16:]):
        with pytest.raises(SealError):
            Seal([FIRST]).open("teamA", "sa", broken)


def test_a_key_is_exchanged_for_another():
    old, both = Seal([FIRST]), Seal([SECOND, FIRST])
    sealed = old.seal("teamA", "sa", VERIFIERS)
    assert both.open("teamA", "sa", sealed) == VERIFIERS
    with pytest.raises(SealError):
        old.open("teamA", "sa", both.seal("teamA", "sa", VERIFIERS))
    assert old.keys[0] == both.keys[1] != both.keys[0]


def test_keys_are_read_from_one_setting():
    one, other = (base64.b64encode(key).decode() for key in (FIRST, SECOND))
    assert Seal.of(f"{one}, {other}").keys == Seal([FIRST, SECOND]).keys
    for bad in ("", "short", f"{one},", base64.b64encode(b"x" * 31).decode()):
        with pytest.raises(ValueError, match="openssl rand"):
            Seal.of(bad)
