"""What the gateway answers by itself: ApiVersions and the SASL exchange."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from dataplane.virtual.apis import APIS
from dataplane.virtual.messages import blank, decode_request, element_of, encode_response
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import entity_of

SASL_HANDSHAKE: Final = 17
API_VERSIONS: Final = 18
SASL_AUTHENTICATE: Final = 36

_NONE: Final = 0
_UNSUPPORTED_SASL_MECHANISM: Final = 33
_UNSUPPORTED_VERSION: Final = 35
_SASL_AUTHENTICATION_FAILED: Final = 58


_NAMES_SOFTWARE_SINCE: Final = 3
_SOFTWARE: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.\-]{0,62}[a-zA-Z0-9])?")
"""As brokers want it (`ApiVersionsRequest.isValid`), and no longer than people read."""


class Software(NamedTuple):
    """A client library, by what it says itself (KIP-511)."""

    name: str
    version: str


UNNAMED: Final = Software("unnamed", "")


def api_versions(header: Peek, offered: dict[int, tuple[int, int]]) -> bytes:
    """The ranges of `apis.offered_versions`, and no features.

    A client that asks in a newer version gets version 0 with error 35, and asks again (KIP-511).
    """
    known = APIS[API_VERSIONS].serves(header.version)
    version = header.version if known else 0
    response = entity_of(API_VERSIONS, version, "response")
    row = element_of(response, "api_keys")
    ranges = (
        row(api_key=key, min_version=low, max_version=high)
        for key, (low, high) in sorted(offered.items())
    )
    error = _NONE if known else _UNSUPPORTED_VERSION
    return encode_response(header, blank(response, error_code=error, api_keys=tuple(ranges)))


def software_of(header: Peek, frame: Buffer) -> Software:
    """What the sender of an ApiVersions request says it is. Raises MalformedFrameError."""
    if header.version < _NAMES_SOFTWARE_SINCE or not APIS[API_VERSIONS].serves(header.version):
        return UNNAMED
    body = decode_request(frame).body
    told = Software(str(body.client_software_name), str(body.client_software_version))
    return told if all(map(_SOFTWARE.fullmatch, told)) else UNNAMED


def wanted_mechanism(frame: Buffer) -> str:
    """The mechanism that a SaslHandshake request asks for. Raises MalformedFrameError."""
    return str(decode_request(frame).body.mechanism)


def sasl_handshake(header: Peek, offered: Sequence[str], *, accepted: bool) -> bytes:
    """The answer to SaslHandshake. After version 0 the messages come without a Kafka header."""
    response = entity_of(SASL_HANDSHAKE, header.version, "response")
    error = _NONE if accepted else _UNSUPPORTED_SASL_MECHANISM
    return encode_response(header, blank(response, error_code=error, mechanisms=tuple(offered)))


def authenticate_token(frame: Buffer) -> bytes:
    """The SASL bytes of a SaslAuthenticate request. Raises MalformedFrameError."""
    return bytes(decode_request(frame).body.auth_bytes)


def sasl_authenticated(header: Peek, message: bytes, lifetime: timedelta) -> bytes:
    """The answer to a SaslAuthenticate request with which the exchange goes on, or ends well.

    The client authenticates again before `lifetime` is over (KIP-368); 0 means never.
    """
    response = entity_of(SASL_AUTHENTICATE, header.version, "response")
    given = {"session_lifetime": lifetime} if header.version > 0 else {}
    return encode_response(header, blank(response, auth_bytes=message, **given))


def sasl_failed(header: Peek, message: str) -> bytes:
    """The answer to a SaslAuthenticate request that did not; clients show the message."""
    response = entity_of(SASL_AUTHENTICATE, header.version, "response")
    error = _SASL_AUTHENTICATION_FAILED
    return encode_response(header, blank(response, error_code=error, error_message=message))
