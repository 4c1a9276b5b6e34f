"""What the attacker sends is a request of Kafka's, however large or odd."""

import random

import pytest

from dataplane.virtual.apis import treatment
from reliability.attack.requests import create, delete, fetch, hostile, produce

SEEDS = [random.Random(number) for number in range(60)]


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_each_is_of_an_api_that_the_gateway_knows(seed):
    frame = hostile(seed)
    assert treatment(int.from_bytes(frame[:2]), int.from_bytes(frame[2:4]))
    assert len(frame) < 100 << 20


def test_they_are_of_many_kinds_and_sizes():
    frames = [hostile(seed) for seed in SEEDS]
    assert len({frame[:4] for frame in frames}) > 10
    assert max(map(len, frames)) > 1 << 20
    assert any("\u202e".encode() in frame and b"\x1b" in frame for frame in frames)


def test_the_attacker_s_own_calls_name_its_own_topic():
    frames = (fetch(1), produce(SEEDS[0], b"x"), create(["loot"]), delete(["loot"]))
    assert all(b"loot" in frame for frame in frames)
    assert len(produce(SEEDS[0], bytes(3_000_000), 1)) < 10_000
