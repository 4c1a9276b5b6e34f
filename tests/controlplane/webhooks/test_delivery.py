"""What a web hook is sent, and when it is tried again."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.event import Recorded
from controlplane.domain.switch.events import SwitchCommitted
from controlplane.webhooks.delivery import body_of, headers_of, signature_of, wait_s

AT = datetime(2026, 1, 1, tzinfo=UTC)
COMMITTED = Recorded(
    seq=7,
    event_id=UUID(int=1),
    version=3,
    event=SwitchCommitted(switch_id="s1", epoch=2),
    actor="user:ann",
    reason="drill",
    recorded_at=AT,
)


def test_it_is_signed_as_the_example_of_standard_webhooks():
    # From its providers' documentation (docs.svix.com, receiving, verifying payloads manually).
    key = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    signature = signature_of("msg_loFOjxBNrRLzqYUf", "1731705121", body, key)
    assert signature == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_the_body_says_which_event_it_is_and_what_is_in_it():
    assert msgspec.json.decode(body_of(COMMITTED)) == {
        "type": "switch.committed",
        "timestamp": "2026-01-01T00:00:00Z",
        "seq": 7,
        "subject": "switch/s1",
        "actor": "user:ann",
        "reason": "drill",
        "data": {"switch_id": "s1", "epoch": 2},
    }


def test_another_attempt_has_the_same_id_and_a_new_time_and_signature():
    body = body_of(COMMITTED)
    first = headers_of(COMMITTED, body, b"key", AT)
    second = headers_of(COMMITTED, body, b"key", datetime(2026, 1, 2, tzinfo=UTC))
    assert first["webhook-id"] == second["webhook-id"] == str(COMMITTED.event_id)
    assert first["webhook-timestamp"] == str(int(AT.timestamp()))
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (10_000, 300)]
)
def test_each_wait_is_twice_as_long_up_to_five_minutes(attempts, longest):
    assert wait_s(attempts, 0.0) == longest
    assert wait_s(attempts, 1.0) == longest / 2


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_no_wait_is_shorter_than_half_a_second_or_longer_than_five_minutes(attempts, spread):
    assert 0.5 <= wait_s(attempts, spread) <= 300
