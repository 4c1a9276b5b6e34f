"""What Prometheus reads of the virtual clusters' requests.

Times are histograms by API alone, and sums by virtual cluster: a histogram for each of both would
be tens of thousands of series.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from kio.schema.errors import ErrorCode
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from dataplane.gateway.loop_lag import LoopLag
from dataplane.gateway.tallies import BOUNDS, ApiTimes, Tallies, Tally, Times
from dataplane.virtual.apis import APIS

_BY_API: Final = ["virtual_cluster", "api"]
_ENDS: Final = (*map(str, BOUNDS), "+Inf")


def tally_metrics(tallies: Tallies) -> Iterator[Metric]:
    """One sample of everything."""
    named = [(name, tally) for name, tally in tallies.named() if _is_told(tally)]
    yield from _of_virtual_clusters(named)
    yield from _of_their_apis(named)
    yield _refused(named)
    yield from _times(tallies.times)


def _is_told(tally: Tally) -> bool:
    return bool(tally.by_api() or tally.connections)


def _of_virtual_clusters(named: list[tuple[str, Tally]]) -> Iterator[Metric]:
    connections = GaugeMetricFamily(
        "interlock_vcluster_connections",
        "Client connections that are logged in",
        labels=["virtual_cluster"],
    )
    held = CounterMetricFamily(
        "interlock_vcluster_held",
        "Requests that waited until their scope was served again",
        labels=["virtual_cluster"],
    )
    throttled = CounterMetricFamily(
        "interlock_vcluster_throttled",
        "Times that a client was not listened to for a while",
        labels=["virtual_cluster"],
    )
    for_seconds = CounterMetricFamily(
        "interlock_vcluster_throttled_seconds",
        "Seconds for which clients were not listened to",
        labels=["virtual_cluster"],
    )
    for name, tally in named:
        connections.add_metric([name], tally.connections)
        held.add_metric([name], tally.held)
        throttled.add_metric([name], tally.throttled)
        for_seconds.add_metric([name], tally.throttled_s)
    yield from (connections, held, throttled, for_seconds)


def _of_their_apis(named: list[tuple[str, Tally]]) -> Iterator[Metric]:
    families = {
        name: CounterMetricFamily(f"interlock_vcluster_{name}", meaning, labels=_BY_API)
        for name, meaning in (
            ("requests", "Requests that went to a broker and were answered, or want no answer"),
            ("request_bytes", "Bytes of those requests"),
            ("answer_bytes", "Bytes of the brokers' answers to them"),
            ("before_broker_seconds", "Seconds that they waited in the gateway, all together"),
            ("at_broker_seconds", "Seconds that brokers took to answer them, all together"),
        )
    }
    for name, tally in named:
        for key, of_api in tally.by_api():
            labels = [name, APIS[key].name]
            families["requests"].add_metric(labels, of_api.sent)
            families["request_bytes"].add_metric(labels, of_api.request_bytes)
            families["answer_bytes"].add_metric(labels, of_api.answer_bytes)
            families["before_broker_seconds"].add_metric(labels, of_api.before_s)
            families["at_broker_seconds"].add_metric(labels, of_api.at_broker_s)
    yield from families.values()


def _refused(named: list[tuple[str, Tally]]) -> Metric:
    refused = CounterMetricFamily(
        "interlock_vcluster_refused",
        "Requests that the gateway answered with an error in a broker's place",
        labels=[*_BY_API, "error"],
    )
    for name, tally in named:
        for key, of_api in tally.by_api():
            for code, count in sorted(of_api.refused.items()):
                labels = [name, APIS[key].name, ErrorCode(code).name.upper()]
                refused.add_metric(labels, count)
    return refused


def loop_lag_metric(lag: LoopLag) -> Metric:
    """How late the node's loop does what is due."""
    family = HistogramMetricFamily(
        "interlock_node_loop_lag_seconds",
        "How late the node does what is due, looked at ten times in a second; clients wait as long",
        labels=[],
    )
    _add(family, [], lag.times)
    return family


def _times(times: Mapping[int, ApiTimes]) -> Iterator[Metric]:
    before = HistogramMetricFamily(
        "interlock_node_before_broker_seconds",
        "From when a request came whole to when it was sent to a broker, held ones included",
        labels=["api"],
    )
    at_broker = HistogramMetricFamily(
        "interlock_node_at_broker_seconds",
        "From when a request was sent to a broker to its answer; a Fetch waits there for records",
        labels=["api"],
    )
    for key, of_api in sorted(times.items()):
        labels = [APIS[key].name]
        _add(before, labels, of_api.before)
        _add(at_broker, labels, of_api.at_broker)
    yield from (before, at_broker)


def _add(family: HistogramMetricFamily, labels: list[str], times: Times) -> None:
    counts = accumulate(times.buckets)
    buckets = [(end, float(count)) for end, count in zip(_ENDS, counts, strict=True)]
    family.add_metric(labels, buckets, times.seconds)
