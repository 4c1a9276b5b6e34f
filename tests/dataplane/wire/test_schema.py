import pytest

from dataplane.wire.schema import entity_of, message, versions


def test_paths_name_nested_fields():
    paths = [path for path, _ in message(1, 12, "request").walk()]
    assert "topics[].partitions[].last_fetched_epoch" in paths
    assert "cluster_id" in paths  # tagged


def test_fields_know_what_they_are():
    fields = dict(message(0, 9, "request").walk())
    assert fields["transactional_id"].nullable
    assert fields["topic_data[].name"].type_name == "TopicName"
    assert fields["topic_data[].partition_data[].records"].kind == "records"


def test_sizes_are_known_where_all_values_have_the_same():
    topics = next(f for f in message(2, 3, "request").fields if f.name == "topics")
    partitions = next(f for f in topics.struct.fields if f.name == "partitions")
    assert topics.element_size is None
    assert partitions.element_size == 12
    assert topics.struct.least_size == 2 - 1 + 1  # one byte for each length, at least


def test_the_schema_says_which_versions_it_knows():
    assert versions(0) == (3, 13)
    with pytest.raises(KeyError):
        entity_of(0, 99, "request")
