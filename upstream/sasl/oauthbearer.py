"""SASL/OAUTHBEARER (RFC 7628), as Kafka speaks it (KIP-255)."""

import msgspec

from contract.json_errors import UNREADABLE
from upstream.sasl.mechanism import LoginRefusedError

_SEPARATOR = "\x01"


class OAuthBearerClient:
    """Shows a token."""

    name = "OAUTHBEARER"

    def __init__(self, token: str) -> None:
        self._token = token

    def begin(self) -> bytes:
        """The token."""
        parts = ("n,,", f"auth=Bearer {self._token}", "", "")
        return _SEPARATOR.join(parts).encode()

    def respond(self, challenge: bytes) -> bytes | None:
        """An empty challenge is success; any other is a JSON object that says what is wrong."""
        if not challenge:
            return None
        raise LoginRefusedError(f"the token is refused ({_status(challenge)})")


def _status(challenge: bytes) -> str:
    try:
        return msgspec.json.decode(challenge, type=dict[str, str]).get("status", "no status")
    except UNREADABLE:
        return "no reason given"
