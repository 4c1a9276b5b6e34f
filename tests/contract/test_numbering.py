"""Numbers of all numberings, led to the offsets of the present cluster."""

import pytest

from contract.codec import decode, encode
from contract.numbering import Numbering, Stretch
from contract.records import Offsets, Record, key_of

NUMBERING = Numbering(
    0, 1000, 1000, (Stretch(10, 10, 1300), Stretch(20, 25, 1310), Stretch(30, 30, 1320))
)


def test_numbers_that_are_plain_are_the_offsets_of_the_cluster():
    plain = Numbering(3)
    assert plain.is_plain
    assert [plain.offset(n) for n in (-1, 0, 7)] == [-1, 0, 7]
    assert [plain.number(n) for n in (-1, 0, 7)] == [-1, 0, 7]


@pytest.mark.parametrize(
    ("number", "offset"),
    [
        pytest.param(1000, 0, id="the lowest of the present numbering"),
        pytest.param(1500, 500, id="of the present numbering"),
        pytest.param(10, 300, id="where a stretch begins"),
        pytest.param(19, 309, id="the last one before the next stretch"),
        pytest.param(22, 310, id="where nothing is yet"),
        pytest.param(26, 311, id="after that"),
        pytest.param(400, 690, id="of the last stretch"),
        pytest.param(3, 0, id="before everything that is known"),
        pytest.param(-1, -1, id="none"),
    ],
)
def test_a_number_of_any_numbering_has_an_offset(number, offset):
    assert NUMBERING.offset(number) == offset


def test_offsets_are_told_in_the_present_numbering_only():
    assert [NUMBERING.number(o) for o in (-1, 0, 250)] == [-1, 1000, 1250]


def test_an_offset_is_never_told_by_a_number_of_an_older_numbering():
    later = Numbering(0, 400, 1000)
    assert later.number(5) == 1000
    assert later.offset(1000) == 600


def test_a_record_holds_from_its_epoch_on():
    offsets = Offsets(
        scope="main",
        physical="teamAorders",
        epoch=4,
        partitions=(NUMBERING,),
        before=(Numbering(0, 500, 500),),
    )
    assert [offsets.at(epoch)[0].delta for epoch in (3, 4, 5)] == [500, 1000, 1000]
    record = Record(log="l", seq=1, key=key_of(offsets), state=offsets)
    assert record.key == "offsets/main/teamAorders"
    assert decode(encode(record)) == record
