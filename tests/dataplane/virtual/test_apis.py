from kio.schema.index import api_key_map

from contract.records import Face
from dataplane.virtual.apis import APIS, Treatment, offered_versions, treatment
from dataplane.wire.schema import api_name, versions

EVERYTHING = Face(slots=3, api_versions=dict.fromkeys(APIS, (0, 99)))


def test_every_api_of_the_schema_has_a_row_under_its_name():
    assert set(APIS) == set(api_key_map)
    assert all(api_name(k) == snake(row.name) for k, row in APIS.items())


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def test_only_versions_that_the_schema_knows_are_served():
    for row in APIS.values():
        if row.treatment is not Treatment.REFUSE:
            low, high = versions(row.key)
            assert row.served[0] >= low
            assert row.served[-1] <= high


def test_unknown_keys_and_versions_are_refused():
    assert treatment(0, 9) is Treatment.REWRITE
    assert treatment(0, 2) is Treatment.REFUSE
    assert treatment(0, 14) is Treatment.REFUSE
    assert treatment(18, 4) is Treatment.ANSWER
    assert treatment(29, 3) is Treatment.DENY
    assert treatment(29, 4) is Treatment.REFUSE
    assert treatment(71, 0) is Treatment.REFUSE
    assert treatment(999, 0) is Treatment.REFUSE
    assert treatment(-1, -1) is Treatment.REFUSE


def test_produce_is_offered_from_0_though_served_from_3():
    assert offered_versions(EVERYTHING)[0] == (0, 13)


def test_versions_that_need_features_are_not_offered():
    offered = offered_versions(EVERYTHING)
    caps = {24: 3, 26: 4, 28: 4}
    assert {key: offered[key][1] for key in caps} == caps
    assert not {23, 71, 72, 76} & set(offered)


def test_groups_of_the_new_protocol_are_offered_with_the_ids_that_they_need():
    offered = offered_versions(EVERYTHING)
    assert {key: offered[key] for key in (1, 3, 8, 9, 19, 20, 68, 69)} == {
        1: (4, 18),
        3: (0, 13),
        8: (2, 10),
        9: (1, 10),
        19: (2, 7),
        20: (1, 6),
        68: (0, 1),
        69: (0, 1),
    }


def test_what_is_offered_is_what_every_cluster_has():
    face = Face(slots=3, api_versions={0: (0, 11), 1: (4, 10), 2: (12, 13), 71: (0, 0)})
    offered = offered_versions(face)
    assert offered[0] == (0, 11)
    assert offered[1] == (4, 10)
    assert 2 not in offered  # nothing in common
    assert 3 not in offered  # not on every cluster
    assert 71 not in offered  # refused
    assert offered[29] == (1, 3)  # denied here, whatever the clusters have
    assert offered[18] == (0, 4)  # answered here, whatever the clusters have
