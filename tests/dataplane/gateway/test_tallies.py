"""What virtual clusters ask is counted by name and API, and told to Prometheus in good form."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dataplane.gateway.tallies import BOUNDS, OTHERS, Tallies, Times
from dataplane.gateway.tally_metrics import tally_metrics

PRODUCE, FETCH = 0, 1


def told(tallies: Tallies) -> dict[tuple[str, ...], float]:
    """Samples, by name and the values of their labels, which are sorted."""

    class Told:
        def collect(self):
            return tally_metrics(tallies)

    registry = CollectorRegistry()
    registry.register(Told())
    text = generate_latest(registry).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_told_by_virtual_cluster_and_api():
    tallies = Tallies()
    acme = tallies.of("acme")
    acme.of(PRODUCE).answered(1000, 50, 0.002, 0.004)
    acme.of(PRODUCE).unanswered(500, 0.001)
    acme.of(PRODUCE).refuse(6)
    tallies.of("globex").of(FETCH).answered(80, 9000, 0.0, 0.5)
    samples = told(tallies)
    assert samples["interlock_vcluster_requests_total", "Produce", "acme"] == 2
    assert samples["interlock_vcluster_request_bytes_total", "Produce", "acme"] == 1500
    assert samples["interlock_vcluster_answer_bytes_total", "Produce", "acme"] == 50
    assert samples["interlock_vcluster_before_broker_seconds_total", "Produce", "acme"] == 0.003
    assert samples["interlock_vcluster_at_broker_seconds_total", "Fetch", "globex"] == 0.5
    refused = ("Produce", "NOT_LEADER_OR_FOLLOWER", "acme")
    assert samples["interlock_vcluster_refused_total", *refused] == 1
    assert ("interlock_vcluster_requests_total", "Produce", "globex") not in samples


def test_times_are_histograms_over_all_virtual_clusters():
    tallies = Tallies()
    for name, seconds in (("acme", 0.001), ("globex", 0.0011), ("globex", 60.0)):
        tallies.of(name).of(FETCH).answered(1, 1, 0.0, seconds)
    samples = told(tallies)
    buckets = {
        end: samples["interlock_node_at_broker_seconds_bucket", "Fetch", end]
        for end in ("0.001", "0.0025", "5.0", "+Inf")
    }
    assert buckets == {"0.001": 1, "0.0025": 2, "5.0": 2, "+Inf": 3}
    assert samples["interlock_node_at_broker_seconds_count", "Fetch"] == 3
    assert samples["interlock_node_before_broker_seconds_bucket", "Fetch", "0.001"] == 3


def test_a_bucket_ends_with_its_bound():
    times = Times()
    for bound in BOUNDS:
        times.took(bound)
    assert times.buckets == [1] * len(BOUNDS) + [0]


def test_connections_held_and_throttled_are_told_by_virtual_cluster():
    tallies = Tallies()
    acme = tallies.of("acme")
    acme.connections, acme.held, acme.throttled, acme.throttled_s = 3, 5, 2, 1.5
    samples = told(tallies)
    assert samples["interlock_vcluster_connections", "acme"] == 3
    assert samples["interlock_vcluster_held_total", "acme"] == 5
    assert samples["interlock_vcluster_throttled_total", "acme"] == 2
    assert samples["interlock_vcluster_throttled_seconds_total", "acme"] == 1.5


def test_with_many_virtual_clusters_the_later_ones_are_told_together():
    tallies = Tallies()
    for number in range(1000):
        tallies.of(f"team{number}").of(FETCH).answered(1, 1, 0.0, 0.0)
    samples = told(tallies)
    names = {key[2] for key in samples if key[0] == "interlock_vcluster_requests_total"}
    assert len(names) == 201
    assert samples["interlock_vcluster_requests_total", "Fetch", OTHERS] == 800
    assert samples["interlock_node_at_broker_seconds_count", "Fetch"] == 1000


def test_a_virtual_cluster_that_is_gone_makes_room():
    tallies = Tallies()
    tallies.of("acme").of(FETCH).answered(1, 1, 0.0, 0.0)
    tallies.forget("acme")
    samples = told(tallies)
    assert ("interlock_vcluster_requests_total", "Fetch", "acme") not in samples
    assert samples["interlock_node_at_broker_seconds_count", "Fetch"] == 1
