import socket

import pytest

from sandbox.errors import SandboxError
from sandbox.ports import RESERVABLE, Ports, all_ports, check_free, is_free, reserved_ports


def test_without_an_offset_the_ports_are_those_of_the_scenario():
    ports = Ports()
    assert [ports.main_broker(i) for i in range(3)] == [19092, 19093, 19094]
    assert [ports.failover_broker(i) for i in range(3)] == [29092, 29093, 29094]
    assert [ports.gateway(i) for i in range(2)] == [6969, 7969]
    assert [ports.admin_api(i) for i in range(2)] == [8888, 8889]
    assert ports.registry == 8081


@pytest.mark.parametrize("offset", [0, 100, 2750])
def test_no_two_things_share_a_port(offset):
    numbers = list(all_ports(Ports(offset)).values())
    assert len(numbers) == len(set(numbers))


def test_a_port_in_use_is_named_with_what_it_is_for():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SandboxError) as error:
            check_free({"main broker 1": port})
    assert str(error.value).startswith(f"port {port} (main broker 1) is in use: stop")


def test_reserved_ports_are_free_and_given_out_once():
    with reserved_ports() as one, reserved_ports() as other:
        taken = set(all_ports(one).values())
        assert all(map(is_free, taken))
        assert taken.isdisjoint(all_ports(other).values())


def test_no_port_belongs_to_two_of_the_offsets_that_can_be_reserved():
    numbers = [port for offset in RESERVABLE for port in all_ports(Ports(offset)).values()]
    assert len(numbers) == len(set(numbers))
    assert max(numbers) < 32768
