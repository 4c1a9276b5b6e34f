"""The judge is judged: in a history without fault it finds none, and each planted one by name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.history import (
    Entry,
    Fault,
    Finding,
    Handover,
    History,
    Partition,
    Read,
    Value,
    Write,
    judge,
)

WRITERS, PARTITIONS, GROUPS = ("w1", "w2"), (Partition("t", 0), Partition("t", 1)), ("g1", "g2")
COMMIT = 50.0
"""Between the writes of the first cluster, at 0, 1, 2... and those of the second, from 100 on."""


@st.composite
def faultless(draw) -> History:
    """Writers that send in turns; both clusters hold everything; every group reads everything."""
    turns = draw(st.lists(st.tuples(st.sampled_from(WRITERS), st.sampled_from(PARTITIONS))))
    writes, logs, numbers = [], {p: [] for p in PARTITIONS}, dict.fromkeys(WRITERS, 0)
    for turn, (writer, partition) in enumerate(turns):
        value = Value(writer, numbers[writer])
        numbers[writer] += 1
        in_doubt = draw(st.integers(0, 9)) == 0
        at = turn if turn < COMMIT else 100.0 + turn
        writes.append(Write(partition, value, None if in_doubt else at))
        if not in_doubt or draw(st.booleans()):
            logs[partition].append(Entry(len(logs[partition]) + 7, value))
    reads = [
        Read(group, partition, entry.value, 200.0 + entry.offset)
        for group in GROUPS
        for partition, entries in logs.items()
        for entry in entries
    ]
    return History(writes, reads, logs, dict(logs), (Handover(COMMIT),))


@given(faultless())
def test_nothing_is_found_where_nothing_is_wrong(history):
    assert judge(history) == []


P = PARTITIONS[0]
V = [Value("w1", number) for number in range(4)]
LOG = {P: [Entry(10 + number, value) for number, value in enumerate(V)]}
CLEAN = History(
    writes=[Write(P, value, float(number)) for number, value in enumerate(V)],
    reads=[Read("g", P, value, 100.0 + number) for number, value in enumerate(V)],
    serving=LOG,
    other=LOG,
    handovers=(Handover(COMMIT),),
)


def log(*values: Value) -> dict:
    return {P: [Entry(10 + at, value) for at, value in enumerate(values)]}


def reads(*values: Value) -> list[Read]:
    return [Read("g", P, value, 100.0 + at) for at, value in enumerate(values)]


LATE = [*CLEAN.writes[:3], Write(P, V[3], COMMIT + 1)]
WITHOUT_LAST = replace(CLEAN, serving=log(*V[:3]), reads=reads(*V[:3]))
PLANTED = {
    "lost": (WITHOUT_LAST, Fault.LOST, V[3], "serving"),
    "lost as told": (
        replace(WITHOUT_LAST, handovers=(Handover(COMMIT, {P: 13}),)),
        Fault.LOST,
        V[3],
        "serving",
    ),
    "lost before what was told": (
        replace(WITHOUT_LAST, handovers=(Handover(COMMIT, {P: 14}),)),
        Fault.LOST_UNTOLD,
        V[3],
        "serving",
    ),
    "lost elsewhere than told": (
        replace(WITHOUT_LAST, handovers=(Handover(COMMIT, {PARTITIONS[1]: 0}),)),
        Fault.LOST_UNTOLD,
        V[3],
        "serving",
    ),
    "lost on both": (
        replace(WITHOUT_LAST, other=log(*V[:3]), handovers=(Handover(COMMIT, {P: 13}),)),
        Fault.LOST_UNTOLD,
        V[3],
        "serving",
    ),
    "acknowledged late": (
        replace(WITHOUT_LAST, writes=LATE),
        Fault.ACKNOWLEDGED_LATE,
        V[3],
        "serving",
    ),
    "acknowledged late by a cluster that was forced out": (
        replace(WITHOUT_LAST, writes=LATE, handovers=(Handover(COMMIT, {P: 13}),)),
        Fault.ACKNOWLEDGED_LATE,
        V[3],
        "serving",
    ),
    "written twice": (
        replace(CLEAN, serving=log(*V, V[3])),
        Fault.WRITTEN_TWICE,
        V[3],
        "serving",
    ),
    "mirrored back": (replace(CLEAN, other=log(*V, V[3])), Fault.WRITTEN_TWICE, V[3], "other"),
    "reordered": (
        replace(CLEAN, serving=log(V[0], V[2], V[1], V[3]), reads=reads(*V)),
        Fault.REORDERED,
        V[2],
        "serving",
    ),
    "invented": (
        replace(CLEAN, other=log(*V, Value("w9", 0))),
        Fault.INVENTED,
        Value("w9", 0),
        "other",
    ),
    "read but stored nowhere": (
        replace(CLEAN, reads=reads(*V, Value("w1", 9))),
        Fault.INVENTED,
        Value("w1", 9),
        "g",
    ),
    "read twice": (replace(CLEAN, reads=reads(*V, V[1])), Fault.READ_TWICE, V[1], "g"),
    "read out of order": (
        replace(CLEAN, reads=reads(V[0], V[2], V[1], V[3])),
        Fault.READ_OUT_OF_ORDER,
        V[2],
        "g",
    ),
    "skipped": (replace(CLEAN, reads=reads(V[0], V[2], V[3])), Fault.SKIPPED, V[1], "g"),
    "read stale": (
        replace(
            CLEAN,
            writes=[*CLEAN.writes[:3], Write(P, V[3], None)],
            serving=log(*V[:3]),
        ),
        Fault.READ_STALE,
        V[3],
        "g",
    ),
}


def test_the_history_that_faults_are_planted_in_has_none():
    assert judge(CLEAN) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else(planted):
    history, fault, value, who = PLANTED[planted]
    assert judge(history) == [Finding(fault, P, value, who)]


def test_every_fault_is_planted():
    assert {fault for _, fault, _, _ in PLANTED.values()} == set(Fault)


@given(faultless(), st.data())
def test_a_fault_planted_anywhere_is_found(history, data):
    acknowledged = [write for write in history.writes if write.acknowledged_at is not None]
    if not acknowledged:
        return
    victim = data.draw(st.sampled_from(acknowledged))
    gone = {
        partition: [entry for entry in entries if entry.value != victim.value]
        for partition, entries in history.serving.items()
    }
    found = {finding.fault for finding in judge(replace(history, serving=gone))}
    assert found & {Fault.LOST, Fault.ACKNOWLEDGED_LATE}
    twice = [*history.reads, Read("g1", victim.partition, victim.value, 999.0)]
    found = {finding.fault for finding in judge(replace(history, reads=twice))}
    assert Fault.READ_TWICE in found


def test_a_value_is_what_it_was():
    assert Value.parse(str(Value("a:b", 7))) == Value("a:b", 7)
