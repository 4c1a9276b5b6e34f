"""What looks in a row have found, and for how long."""

from controlplane.domain.switch.seen_since import SeenSince


def test_only_what_every_look_found_since_is_lasting():
    seen = SeenSince().after(["a", "b"], 1.0).after(["b", "c"], 2.0).after(["a", "b"], 3.0)
    assert seen.lasting(3.0, 2.0) == {"b"}
    assert seen.lasting(3.0, 0.0) == {"a", "b"}
