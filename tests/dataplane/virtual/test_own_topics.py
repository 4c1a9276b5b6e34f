"""What is known of a tenant's topics by their ids has an end, and the newest of it stays."""

from dataplane.virtual import own_topics
from dataplane.virtual.own_topics import OwnTopics


def test_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(own_topics, "MOST_KNOWN", 4)
    own = OwnTopics()
    names = own.names
    for number in range(1, 6):
        own.learn(bytes([number]), b"topic")
    assert set(names) == {b"\3", b"\4", b"\5"}
    assert own.names is names
