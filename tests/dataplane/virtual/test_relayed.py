"""What is simply sent on follows from the table of APIs and from what every cluster has."""

from contract.records import Face
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.relayed import Relayed

METADATA, COMMIT = 3, 8


def key(api: int, version: int) -> int:
    return api << 16 | version


def test_what_some_clusters_lack_is_sent_on_if_none_of_these_does():
    older = Relayed().under(Face(slots=1, api_versions={METADATA: (0, 12), COMMIT: (0, 9)}))
    assert [key(METADATA, version) in older for version in (9, 12, 13)] == [True, True, False]
    assert key(COMMIT, 9) in older
    assert key(COMMIT, 10) not in older
    newer = Relayed().under(Face(slots=1, api_versions={METADATA: (0, 13), COMMIT: (0, 10)}))
    assert newer[key(METADATA, 13)] is APIS[METADATA]
    assert key(COMMIT, 10) in newer


def test_without_a_face_all_is_sent_on_that_every_cluster_has_for_long():
    table = Relayed().under(None)
    assert set(table) == {
        key(row.key, version)
        for row in APIS.values()
        if row.treatment is Treatment.REWRITE
        for version in row.served
        if version < row.looked_up_from
    }


def test_the_table_that_connections_hold_follows_the_face():
    relayed = Relayed()
    held = relayed.under(Face(slots=1, api_versions={METADATA: (0, 13)}))
    assert key(METADATA, 13) in held
    assert relayed.under(Face(slots=1, api_versions={METADATA: (0, 11)})) is held
    assert [key(METADATA, version) in held for version in (11, 12, 13)] == [True, False, False]
