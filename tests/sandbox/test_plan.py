from pathlib import Path

import pytest

from sandbox.plan import Component, Plan, Profile
from sandbox.ports import all_ports


def plan(*components, **settings):
    return Plan(folder=Path("anywhere"), components=frozenset(components), **settings)


def test_a_part_brings_what_it_needs():
    wanted = plan(Component.GATEWAYS)
    assert {part for part in Component if wanted.has(part)} == {
        Component.CLUSTERS,
        Component.POSTGRES,
        Component.CONTROL_PLANES,
        Component.GATEWAYS,
    }


def test_the_full_environment_takes_all_ports():
    everything = Plan(folder=Path("anywhere"))
    assert everything.ports_taken() == all_ports(everything.ports)


def test_only_ports_of_chosen_parts_are_taken():
    taken = plan(Component.CLUSTERS, profile=Profile.SMALL).ports_taken()
    assert set(taken.values()) == {19092, 19097, 29092, 29097}


def test_a_database_of_the_user_takes_no_port():
    assert plan(Component.POSTGRES, database_url="postgresql://elsewhere/x").ports_taken() == {}


@pytest.mark.parametrize(("profile", "brokers"), [(Profile.FULL, 3), (Profile.SMALL, 1)])
def test_profiles_differ_in_brokers(profile, brokers):
    assert profile.brokers == brokers
