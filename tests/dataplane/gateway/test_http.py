"""The node's own HTTP port: what it is asked for, it tells, by HTTP alone."""

import httpx
import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from dataplane.gateway.http import application


class Told:
    def collect(self):
        yield GaugeMetricFamily("interlock_node_connections", "Open now", 7)


@pytest.fixture
def client() -> httpx.AsyncClient:
    told = application(lambda: True, Told())
    return httpx.AsyncClient(transport=httpx.ASGITransport(told), base_url="http://node")


async def test_metrics_are_told_with_those_of_the_process(client: httpx.AsyncClient):
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "interlock_node_connections 7.0\n" in answer.text
    assert "\nprocess_cpu_seconds_total " in answer.text
    assert "\nprocess_resident_memory_bytes " in answer.text


async def test_prometheus_gets_the_format_that_it_asks_for(client: httpx.AsyncClient):
    asked = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = await client.get("/metrics", headers=asked)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert "interlock_node_connections" in names


async def test_what_there_is_not_is_not_found(client: httpx.AsyncClient):
    assert (await client.get("/")).status_code == 404
