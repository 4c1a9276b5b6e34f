"""Anchors: the chain's head, told outside of the database.

Who owns the database can write the log anew with hashes that fit, or cut it short at its end: the
chain is whole then, and another. An anchor that was told before shows it. One is enough for all
that stands before it, as each hash covers the one before.
"""

import hmac
from collections.abc import Iterable

import msgspec

from contract.codec import canonical


class LogAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """What the log was at one of its events."""

    log: str
    """Identity of the log."""
    seq: int
    hash: str
    """Hex; of the event and all before it."""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that a `log.reconciled` left out: their events were lost with the log's tail."""

    first: int
    last: int


class LogThere(msgspec.Struct, frozen=True, kw_only=True):
    """The log that anchors are compared with, as far as they ask."""

    log: str
    seq: int
    """Of its newest event."""
    hashes: dict[int, str]
    """Of those events that were asked for and are there, and of 0, before the first: to hex."""
    lost: tuple[Lost, ...]


class Mismatch(msgspec.Struct, frozen=True, kw_only=True):
    """An anchor that the log cannot have been the origin of."""

    seq: int
    why: str
    """A sentence about the log."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Many anchors beside the log."""

    compared: int = 0
    """How many were held against the log."""
    newest: int = 0
    """The greatest `seq` among those that fit."""
    lost: int = 0
    """How many tell of events that were lost with a tail, as `log.reconciled` says."""
    unproved: int = 0
    """How many are not signed with the key at hand: they prove nothing, and were left out."""
    mismatch: Mismatch | None = None
    """The one with the lowest `seq`; None: all fit."""

    def and_also(self, other: "Comparison") -> "Comparison":
        """Both together."""
        mismatches = [m for m in (self.mismatch, other.mismatch) if m is not None]
        return Comparison(
            compared=self.compared + other.compared,
            newest=max(self.newest, other.newest),
            lost=self.lost + other.lost,
            unproved=self.unproved + other.unproved,
            mismatch=min(mismatches, key=lambda m: m.seq, default=None),
        )


def compare(anchors: Iterable[LogAnchor], there: LogThere) -> Comparison:
    """Hold anchors against the log."""
    found = Comparison()
    for anchor in anchors:
        found = found.and_also(_compared(anchor, there))
    return found


def _compared(anchor: LogAnchor, there: LogThere) -> Comparison:
    was_lost = any(lost.first <= anchor.seq <= lost.last for lost in there.lost)
    if was_lost and anchor.seq not in there.hashes and anchor.seq < there.seq:
        return Comparison(compared=1, lost=1)
    why = _why_not(anchor, there)
    if why is not None:
        return Comparison(compared=1, mismatch=Mismatch(seq=anchor.seq, why=why))
    return Comparison(compared=1, newest=anchor.seq)


def _why_not(anchor: LogAnchor, there: LogThere) -> str | None:
    if anchor.log != there.log:
        return f"event {anchor.seq} was anchored in log {anchor.log}, and this is log {there.log}"
    if anchor.seq > there.seq:
        return f"event {anchor.seq} was anchored, and the log ends at {there.seq}: it was cut short"
    if anchor.seq not in there.hashes:
        return f"event {anchor.seq} was anchored, and is not in the log"
    if there.hashes[anchor.seq] != anchor.hash:
        return (
            f"event {anchor.seq} has not the hash that was anchored: it, or what comes before it,"
            " was written anew"
        )
    return None


_PURPOSE = b"interlock anchor of the event log"


def signature(anchor: LogAnchor, token_key: bytes) -> str:
    """What only who has the key that signs tokens can say of an anchor, in hex.

    The key is not used itself, but one that is derived from it for this purpose: what signs an
    anchor can never pass for a token.
    """
    key = hmac.digest(token_key, _PURPOSE, "sha256")
    return hmac.digest(key, canonical((anchor.log, anchor.seq, anchor.hash)), "sha256").hex()


def is_signed(anchor: LogAnchor, said: str, token_key: bytes) -> bool:
    """Whether somebody who has the key said so."""
    return hmac.compare_digest(said.encode(), signature(anchor, token_key).encode())
