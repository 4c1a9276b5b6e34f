"""What a node does before and beside its work: limits, and what it waits out."""

import resource

import httpx
import pytest

from dataplane.gateway.main import allow_connections, is_passing

REQUEST = httpx.Request("POST", "http://localhost/internal/v1/nodes/a/topics")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_control_plane_in_trouble_is_asked_again(status: int) -> None:
    answer = httpx.Response(status, request=REQUEST)
    assert is_passing(httpx.HTTPStatusError("trouble", request=REQUEST, response=answer))


def test_nobody_there_is_asked_again() -> None:
    assert is_passing(httpx.ConnectError("refused"))


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_is_final(status: int) -> None:
    answer = httpx.Response(status, request=REQUEST)
    assert not is_passing(httpx.HTTPStatusError("refused", request=REQUEST, response=answer))


def test_a_node_may_open_as_many_files_as_the_host_allows() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), most))
    allow_connections()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
