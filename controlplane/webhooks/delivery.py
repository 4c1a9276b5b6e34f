"""What a web hook is sent for an event, and when it is tried again.

The form is that of Standard Webhooks (standardwebhooks.com, specification 1.0.0), so that receivers
can check it with a library: HMAC-SHA256 over id, time and body, joined by dots.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.event import Recorded
from controlplane.domain.log import data_of

GIVEN_UP_AFTER_S: Final = 86_400.0
"""An event that is older than a day, and cannot be told once more, holds up no newer one."""

_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 300.0


def body_of(recorded: Recorded) -> bytes:
    """An event as a receiver gets it, in JSON.

    `seq` is its number in the log: later events have higher ones. `data` has the event's fields.
    """
    return msgspec.json.encode(
        {
            "type": recorded.event.kind,
            "timestamp": recorded.recorded_at,
            "seq": recorded.seq,
            "subject": recorded.event.stream,
            "actor": recorded.actor,
            "reason": recorded.reason,
            "data": msgspec.Raw(data_of(recorded.event).encode()),
        }
    )


def headers_of(recorded: Recorded, body: bytes, key: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove a delivery.

    `webhook-id` is the event's own id, the same at each attempt: whoever has it already drops what
    comes. It is not `seq`, as a log whose database was restored gives a number once more.

    Args:
        recorded: the event.
        body: as it is sent, byte for byte.
        key: of the hook.
        now: of this attempt; receivers refuse what is old, so that nobody sends it again.
    """
    message_id, seconds = str(recorded.event_id), str(int(now.timestamp()))
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": signature_of(message_id, seconds, body, key),
    }


def signature_of(message_id: str, seconds: str, body: bytes, key: bytes) -> str:
    """`v1,` and the signature in base64."""
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def wait_s(attempts: int, spread: float) -> float:
    """Seconds until the next attempt: twice as long each time, up to five minutes.

    Args:
        attempts: that have failed, at least one.
        spread: from 0 to 1, at random: it takes up to a half away, so that hooks which failed
            together do not come together again.
    """
    longest = min(_FIRST_WAIT_S * 2.0 ** min(attempts - 1, 30), _LONGEST_WAIT_S)
    return longest * (1.0 - spread / 2.0)
