"""The jar that MirrorMaker 2 is given."""

import pytest

from sandbox.transforms import JAR, build


@pytest.mark.environment
def test_the_jar_is_what_its_source_gives(tmp_path):
    build(tmp_path / "built.jar")
    assert (tmp_path / "built.jar").read_bytes() == JAR.read_bytes()
