"""Versions beyond those offered: what goes on, what is answered, and what ends the connection."""

import pytest

from contract.records import Face
from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.unoffered import check_unoffered
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.schema import versions

EVERYTHING = Face(slots=3, api_versions=dict.fromkeys(APIS, (0, 99)))
YOUNG = [(row.key, v) for row in APIS.values() for v in row.served if v >= row.looked_up_from]


@pytest.mark.parametrize(("key", "version"), YOUNG)
def test_what_every_cluster_has_goes_on(key, version):
    check_unoffered(APIS[key], version, EVERYTHING)
    assert not APIS[key].serves_as_offered(version)


@pytest.mark.parametrize(("key", "version"), YOUNG)
@pytest.mark.parametrize("short", [True, False])
def test_what_some_cluster_lacks_ends_the_connection(key, version, short):
    face = Face(slots=1, api_versions={key: (0, version - 1)} if short else {})
    for known in (face, None):
        with pytest.raises(MalformedFrameError, match="not there on every cluster"):
            check_unoffered(APIS[key], version, known)


def test_all_else_ends_the_connection():
    for row in APIS.values():
        if row.treatment is Treatment.REWRITE:
            known = set(row.served)
            for version in {*range(-1, versions(row.key)[1] + 2)} - known:
                with pytest.raises(MalformedFrameError, match=f"{version} is not offered"):
                    check_unoffered(row, version, EVERYTHING)
