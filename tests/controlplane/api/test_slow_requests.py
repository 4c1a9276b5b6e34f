"""Whoever sends half a request keeps no connection of a control plane."""

import asyncio

import pytest

from contract.request_deadline import DeadlinedProtocol
from tests.controlplane.conftest import in_process

pytestmark = pytest.mark.environment


@pytest.mark.parametrize("half", [b"GET /health/live HTTP/1.1\r\nX: ", b"", b"POST"])
async def test_half_a_request_is_waited_for_no_longer(variables, monkeypatch, half):
    monkeypatch.setattr(DeadlinedProtocol, "whole_within_s", 0.5)
    async with in_process(variables) as plane:
        url = plane.client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(half)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert (await plane.client.get("/health/live")).status_code == 200
