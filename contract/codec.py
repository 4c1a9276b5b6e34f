"""Bytes to records and back: JSON, because on-call people read the control topic with a console."""

import hashlib

import msgspec

from contract.json_errors import UNREADABLE
from contract.records import RECORD_VERSION, Record

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Record)

_DIGEST = b"sum of SHA-256"
"""How the digest of a state is made of its records (`fold.ControlState.digest`)."""
LAYOUT = hashlib.sha256(_DIGEST + _encoder.encode(msgspec.json.schema(Record))).hexdigest()[:16]
"""What records and digests are made of in this release. Digests of two releases can be compared
only if they have the same: a field that is new to one of them is in its digest, and not in the
other's."""


class _Stamp(msgspec.Struct):
    """The part of a record that every version has."""

    v: int


class UnknownRecordError(ValueError):
    """A record that this release cannot read; skipping it could mean serving when it says fence."""


def require_readable(version: int) -> None:
    """Refuse a layout that is newer than this release.

    Raises:
        UnknownRecordError: it is.
    """
    if version > RECORD_VERSION:
        raise UnknownRecordError(
            f"control record has layout {version}, this release reads up to {RECORD_VERSION}:"
            " upgrade the node"
        )


def encode(record: Record) -> bytes:
    """A record as JSON, with its keys in a fixed order."""
    return canonical(record)


def canonical(value: object) -> bytes:
    """Any value of the contract as JSON whose bytes depend on nothing but the value."""
    return _encoder.encode(msgspec.to_builtins(value, str_keys=True))


def decode(value: bytes) -> Record:
    """Read a record.

    Raises:
        UnknownRecordError: the layout is newer, or the kind of state is not known.
    """
    try:
        stamp = msgspec.json.decode(value, type=_Stamp)
        require_readable(stamp.v)
        return _decoder.decode(value)
    except UNREADABLE as error:
        raise UnknownRecordError(f"control record cannot be read: {error}") from error
