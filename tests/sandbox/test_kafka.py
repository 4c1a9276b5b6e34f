from pathlib import Path

from sandbox.kafka import BrokerAddress, broker_properties, new_cluster_id

THREE = [BrokerAddress(node_id, 19091 + node_id) for node_id in (1, 2, 3)]


def test_every_broker_votes():
    properties = broker_properties(THREE[1], THREE, Path("data"))
    assert properties["controller.quorum.voters"] == (
        "1@127.0.0.1:19097,2@127.0.0.1:19098,3@127.0.0.1:19099"
    )
    assert properties["node.id"] == "2"
    assert properties["advertised.listeners"] == "PLAINTEXT://localhost:19093"


def test_internal_topics_survive_one_broker_of_three():
    properties = broker_properties(THREE[0], THREE, Path("data"))
    assert properties["offsets.topic.replication.factor"] == "3"
    assert properties["transaction.state.log.min.isr"] == "2"


def test_a_single_broker_needs_no_second():
    properties = broker_properties(THREE[0], THREE[:1], Path("data"))
    assert properties["offsets.topic.replication.factor"] == "1"
    assert properties["transaction.state.log.min.isr"] == "1"


def test_cluster_ids_are_no_options_of_a_command_line():
    ids = {new_cluster_id() for _ in range(300)}
    assert len(ids) == 300
    assert {len(cluster_id) for cluster_id in ids} == {22}
    assert not [cluster_id for cluster_id in ids if cluster_id.startswith("-")]
