"""Which failures of the control plane are waited out."""

import httpx
import pytest

from dataplane.gateway.main import is_passing

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
