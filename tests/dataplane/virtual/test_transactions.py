"""Requests about transactions over switches, of every version, as kio writes them."""

import struct
from dataclasses import replace
from typing import Any

import pytest

from contract.producer_ids import producer_id_offset
from contract.records import Identities, Identity
from dataplane.virtual.apis import APIS
from dataplane.virtual.identities import KnownIdentities
from dataplane.virtual.messages import decode_request
from dataplane.virtual.transactions import NAMES_PRODUCER, with_real_producer
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from tests.dataplane.virtual.instances import VIEW
from tests.dataplane.virtual.test_heads import frame

INIT, ADD_PARTITIONS, ADD_OFFSETS, END, COMMIT_OFFSETS = 22, 24, 25, 26, 28
NONE, ILLEGAL_GENERATION, FENCED, UNKNOWN = 0, 22, 47, 59

HELD = producer_id_offset(0, 0) + 7
ABORTED = producer_id_offset(0, 0) + 8
KNOWN = KnownIdentities(
    [
        Identities(
            scope="main",
            epoch=2,
            part=0,
            identities=(
                Identity(f"{VIEW.vcluster}tx", HELD, 3, 40, 5),
                Identity(f"{VIEW.vcluster}late", ABORTED, 0, 41, 1, is_aborted=True),
            ),
        )
    ]
)
NOW = replace(VIEW, epoch=2, identities=KNOWN)


def versions() -> list[tuple[int, int]]:
    first = {INIT: 3}
    return [(k, v) for k in NAMES_PRODUCER for v in range(first.get(k, 0), APIS[k].highest + 1)]


def says(key: int, version: int, producer_id: int, epoch: int, name: str = "tx", **more: Any):
    fields = {"transactional_id": name, "group_id": "group", "producer_id": producer_id}
    fields |= {"v3_and_below_transactional_id": name, "producer_epoch": epoch}
    fields |= {"v3_and_below_producer_id": producer_id, "v3_and_below_producer_epoch": epoch}
    return frame(key, version, **(fields | more))


def told(request: bytes) -> tuple[int, int]:
    """Who the cluster is told that it is."""
    body = decode_request(b"".join((with_real_producer(request, NOW),))).body
    prefix = "" if hasattr(body, "producer_id") else "v3_and_below_"
    return getattr(body, f"{prefix}producer_id"), getattr(body, f"{prefix}producer_epoch")


def refused(request: bytes) -> int:
    with pytest.raises(RefusedRequestError) as caught:
        with_real_producer(request, NOW)
    return caught.value.error_code


@pytest.mark.parametrize(("key", "version"), versions())
class TestEveryVersion:
    def test_whoever_is_older_is_who_it_is_there(self, key: int, version: int) -> None:
        request = says(key, version, HELD, 3)
        assert told(request) == (40, 5)
        size = struct.calcsize(">qh")
        before, after = bytes(request), bytes(with_real_producer(request, NOW))
        changed = [at for at in range(len(before)) if before[at] != after[at]]
        assert len(before) == len(after)
        assert max(changed) - min(changed) < size

    def test_whoever_was_born_in_this_epoch_has_the_clusters_own_id(
        self, key: int, version: int
    ) -> None:
        assert told(says(key, version, NOW.producer_id_offset + 12, 9)) == (12, 9)

    @pytest.mark.parametrize("producer_id", [-1, 12])
    def test_a_clusters_own_id_stays(self, key: int, version: int, producer_id: int) -> None:
        assert told(says(key, version, producer_id, 1)) == (producer_id, 1)

    @pytest.mark.parametrize("zombie", [(HELD, 2), (HELD + 5, 3)])
    def test_whoever_was_fenced_off_stays_so(
        self, key: int, version: int, zombie: tuple[int, int]
    ) -> None:
        assert refused(says(key, version, *zombie)) == FENCED

    def test_a_frame_that_ends_early_is_malformed(self, key: int, version: int) -> None:
        whole = says(key, version, HELD, 3)
        end = whole.index(struct.pack(">qh", HELD, 3)) + 9
        for size in range(10, end):
            with pytest.raises(MalformedFrameError):
                with_real_producer(whole[:size], NOW)


@pytest.mark.parametrize(
    "who", [("late", ABORTED, 0), ("nobody", HELD + 5, 3)], ids=["aborted", "after a forced switch"]
)
@pytest.mark.parametrize(
    ("key", "more", "answer"),
    [
        (ADD_PARTITIONS, {}, UNKNOWN),
        (ADD_OFFSETS, {}, UNKNOWN),
        (COMMIT_OFFSETS, {}, ILLEGAL_GENERATION),
        (END, {"committed": True}, UNKNOWN),
        (END, {"committed": False}, NONE),
    ],
)
def test_what_was_aborted_is_given_up(
    who: tuple[str, int, int], key: int, more: dict[str, Any], answer: int
) -> None:
    name, producer_id, epoch = who
    assert refused(says(key, 3, producer_id, epoch, name, **more)) == answer


def test_whose_transaction_was_aborted_begins_anew_as_who_it_is() -> None:
    assert told(says(INIT, 4, ABORTED, 0, "late")) == (41, 1)


def test_after_a_forced_switch_everybody_begins_anew() -> None:
    assert told(says(INIT, 4, HELD + 5, 3, "nobody")) == (-1, -1)


def test_whoever_brings_no_id_begins_anew() -> None:
    request = says(INIT, 2, HELD, 3)
    assert with_real_producer(request, NOW) is request
