"""What a worker of MirrorMaker 2 notes of a failure."""

import pytest

from controlplane.mirrors.worker_status import cause_in

WRAPPED = """org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception
\tat org.apache.kafka.connect.runtime.X.maybeThrow(X.java:1)
Caused by: org.apache.kafka.common.errors.RecordTooLargeException: The message is 3000000 bytes
\tat a.b.C.d(C.java:2)
\t... 7 more
"""


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        (
            WRAPPED,
            "org.apache.kafka.common.errors.RecordTooLargeException: The message is 3000000 bytes",
        ),
        ("java.lang.X: y\n\tat a.b", "java.lang.X: y"),
        ("", "it does not say why"),
        (None, "it does not say why"),
    ],
)
def test_the_innermost_cause_is_told(trace, cause):
    assert cause_in(trace) == cause
