"""What MirrorMaker 2 is told for one direction."""

from contract.clusters_file import ClusterProperties
from contract.mirror import Direction
from mirrormaker.properties import (
    PLUGINS,
    TRANSFORM,
    format_properties,
    mirror_properties,
    parse_properties,
)

CLUSTERS = {
    name: ClusterProperties(
        name=name, role="upstream", properties={"bootstrap.servers": f"{name}:9092"}
    )
    for name in ("main", "failover")
}
BACK = Direction(source="failover", target="main")


def test_only_one_direction_runs_not_even_the_heartbeats_of_the_other():
    told = mirror_properties(CLUSTERS, BACK, {})
    assert told["failover->main.enabled"] == "true"
    assert told["main->failover.enabled"] == "false"
    assert told["main->failover.emit.heartbeats.enabled"] == "false"
    assert told["replication.policy.class"].endswith("IdentityReplicationPolicy")
    assert told["main.bootstrap.servers"] == "main:9092"


def test_only_what_was_committed_is_copied():
    assert mirror_properties(CLUSTERS, BACK, {})["failover.consumer.isolation.level"] == (
        "read_committed"
    )


def test_what_is_said_for_one_direction_holds_for_the_other():
    given = {"main->failover.topics": "orders.*", "tasks.max": "4", "failover->main.groups": "g"}
    told = mirror_properties(CLUSTERS, BACK, given)
    assert told["failover->main.topics"] == "orders.*"
    assert told["failover->main.groups"] == "g"
    assert told["tasks.max"] == "4"
    assert "main->failover.topics" not in told


def test_positions_are_kept_every_second_or_as_often_as_the_operator_says():
    # Said for all clusters, or a direction, it is not heeded: a crash would repeat a minute.
    key = "main.offset.flush.interval.ms"
    assert mirror_properties(CLUSTERS, BACK, {})[key] == "1000"
    assert mirror_properties(CLUSTERS, BACK, {"offset.flush.interval.ms": "70"})[key] == "70"
    given = {"main.offset.flush.interval.ms": "80"}
    assert mirror_properties(CLUSTERS, BACK, given)[key] == "80"


def test_what_topics_allow_passes_unless_the_operator_says_less():
    told = mirror_properties(CLUSTERS, BACK, {})
    assert int(told["main.producer.max.request.size"]) > 10 * 1024 * 1024
    assert int(told["main.producer.buffer.memory"]) > int(told["main.producer.max.request.size"])
    given = {"main.producer.max.request.size": "5", "main.producer.compression.type": "zstd"}
    told = mirror_properties(CLUSTERS, BACK, given)
    assert given.items() <= told.items()


def test_our_transformation_comes_behind_those_of_the_operator():
    told = mirror_properties(CLUSTERS, BACK, {})
    assert told["failover->main.transforms"] == "interlockTimestamps"
    assert told["main.plugin.path"] == str(PLUGINS)
    given = {"main->failover.transforms": "mine", "main.plugin.path": "/theirs"}
    told = mirror_properties(CLUSTERS, BACK, given)
    assert told["failover->main.transforms"] == "mine,interlockTimestamps"
    assert told["main.plugin.path"] == f"/theirs,{PLUGINS}"
    assert told["failover->main.transforms.interlockTimestamps.type"] == TRANSFORM


def test_the_direction_is_not_the_operators_to_say():
    given = {"main->failover.enabled": "true", "clusters": "x", "replication.policy.class": "y"}
    told = mirror_properties(CLUSTERS, BACK, given)
    assert told == mirror_properties(CLUSTERS, BACK, {})


def test_a_file_is_read_as_it_is_written():
    text = '# mine\n\ntasks.max = 4\n! old\nmain.sasl.jaas.config=x username="a=b";\n'
    parsed = parse_properties(text)
    assert parsed == {"tasks.max": "4", "main.sasl.jaas.config": 'x username="a=b";'}
    assert format_properties({"a": "b\\c"}) == "a=b\\\\c\n"


def test_what_is_left_out_is_left_out_beside_what_is_anyway():
    told = mirror_properties(CLUSTERS, BACK, {}, ("team.a", "b"))
    assert told["failover->main.topics.exclude"].endswith(r"__.*,team\.a.*,b.*")
    assert told["failover->main.groups.exclude"].endswith(r"__.*,team\.a.*,b.*")
    given = {"topics.exclude": "x", "main->failover.groups.exclude": "y"}
    own = mirror_properties(CLUSTERS, BACK, given, ("b",))
    assert own["failover->main.topics.exclude"] == "x,b.*"
    assert own["failover->main.groups.exclude"] == "y,b.*"
    assert "failover->main.topics.exclude" not in mirror_properties(CLUSTERS, BACK, {})
