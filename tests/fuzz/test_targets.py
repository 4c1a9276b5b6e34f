"""The fuzzer's targets on their own seeds, so that a change cannot leave them behind."""

import random

import pytest

from dataplane.virtual.apis import APIS
from fuzz import targets
from fuzz.feeding import Target, feed
from tests.dataplane.virtual.instances import OFFERED, generated, request_frame, response_frame

KNOWN = targets.all_targets(lambda run: run)


def test_every_program_is_a_target():
    names = {target.name for target in KNOWN}
    expected = {f"{APIS[k].name} {v} {way}" for k, v in OFFERED for way in ("request", "response")}
    assert expected < names


def test_the_fuzzer_begins_with_an_input_for_every_target():
    frames = {target.name: [b"frame"] for target in KNOWN[:5]}
    numbers = {int.from_bytes(seed[:2]) for seed in targets.seeds(KNOWN, frames)}
    assert set(range(5)) < numbers


@pytest.mark.parametrize("target", KNOWN, ids=lambda target: target.name)
def test_a_target_takes_valid_and_broken_frames(target):
    seed = random.Random(target.name)
    key, version = seed.choice(OFFERED)
    for frame in (
        request_frame(key, version, generated(key, version, "request", 1)),
        response_frame(key, version, generated(key, version, "response", 1)),
        seed.randbytes(40),
        b"",
    ):
        feed(target, frame)


def test_growth_that_the_input_does_not_explain_is_a_finding():
    with pytest.raises(AssertionError, match="3 bytes became 5000"):
        feed(Target("x", lambda f: targets._check_growth([b"x" * 5000], f), ()), b"abc")
