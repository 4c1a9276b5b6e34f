"""The form of positions, as Kafka Connect reads them."""

from controlplane.domain.mirror.events import Position
from controlplane.mirrors.connect import offset_of
from controlplane.mirrors.offsets import offsets_topic, record_of
from controlplane.mirrors.stored_connectors import configs_topic, keys_of_connectors

BEGUN = Position(topic="t1", partition=0, offset=4)
UNTOUCHED = Position(topic="t1", partition=1, offset=None)


def test_a_record_of_dedicated_mode_is_byte_for_byte_connect_s():
    key = b'["MirrorSourceConnector",{"cluster":"failover","partition":0,"topic":"t1"}]'
    assert record_of("failover", BEGUN) == (key, b'{"offset":4}')
    assert record_of("failover", UNTOUCHED)[1] is None
    assert offsets_topic("failover") == "mm2-offsets.failover.internal"


def test_an_offset_of_kip_875_may_be_null():
    partition = {"cluster": "failover", "partition": 0, "topic": "t1"}
    assert offset_of("failover", BEGUN) == {"partition": partition, "offset": {"offset": 4}}
    assert offset_of("failover", UNTOUCHED)["offset"] is None


def test_what_is_stored_of_connectors_is_named_as_connect_does():
    assert configs_topic("failover") == "mm2-configs.failover.internal"
    assert keys_of_connectors() == [
        b"connector-MirrorSourceConnector",
        b"connector-MirrorCheckpointConnector",
        b"connector-MirrorHeartbeatConnector",
    ]
