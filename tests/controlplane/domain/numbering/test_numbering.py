"""Numbers over any logs and any number of switches: nothing is missed, nothing is read twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from contract.numbering import Numbering
from controlplane.domain.numbering.deciding import Logs, decided, numbered, renumbered
from controlplane.domain.numbering.runs import (
    Placed,
    Run,
    closed,
    continued,
    runs_of,
    turned_round,
    with_points,
)
from controlplane.domain.numbering.runs import thinned as thinned_runs
from controlplane.domain.numbering.stretches import thinned


class Log(NamedTuple):
    """A partition's records on one cluster."""

    records: list[Placed]
    end: int

    def unread(self, offset: int) -> list[bytes]:
        return [record.digest for record in self.records if record.offset >= offset]

    def never_read(self, offset: int) -> list[bytes]:
        """Records of which no copy stands before an offset, each once."""
        read = {record.digest for record in self.records if record.offset < offset}
        return [r for r in dict.fromkeys(self.unread(offset)) if r not in read]


def misses_nothing(story: Story) -> bool:
    """Whether whoever goes on at any number finds all that it never read, in order."""
    return all(
        holds(target.unread(after.offset(number)), source.never_read(before.offset(number)))
        for source, target, before, after in story.steps
        for number in numbers_up_to(source, before)
    )


def holds(records: list[bytes], wanted: list[bytes]) -> bool:
    """Whether all that is wanted is there, in that order."""
    left = iter(records)
    return all(record in left for record in wanted)


@st.composite
def written(draw, log: Log, contents: list[bytes]) -> Log:
    """The log with more records, with gaps as transaction markers leave them."""
    records, end = list(log.records), log.end
    for content in contents:
        end += draw(st.integers(0, 2))
        records.append(Placed(end, content))
        end += 1
    return Log(records, end + draw(st.integers(0, 2)))


@st.composite
def mirrored(draw, log: Log, target: Log, *, repeating: bool) -> Log:
    """What a mirror makes of the records that the target lacks, pieces of them repeated."""
    has = {record.digest for record in target.records}
    contents = [record.digest for record in log.records if record.digest not in has]
    copied, done = [], 0
    rewinds = draw(st.integers(0, 2)) if repeating else 0
    while done < len(contents):
        copied.append(contents[done])
        done += 1
        if rewinds and draw(st.booleans()):
            rewinds -= 1
            done = draw(st.integers(0, done - 1))
    return draw(written(target, copied)) if draw(st.booleans()) else exact(target, copied)


def exact(target: Log, contents: list[bytes]) -> Log:
    records = [Placed(target.end + n, content) for n, content in enumerate(contents)]
    return Log([*target.records, *records], target.end + len(contents))


@dataclass
class Story:
    """Some switches there and back, and all numbers that clients may hold at each of them."""

    steps: list[tuple[Log, Log, Numbering, Numbering]] = field(default_factory=list)


@st.composite
def stories(draw, *, repeating: bool, tail: int | None = None) -> Story:
    logs = [Log([], 0), Log([], draw(st.integers(0, 2)))]
    numbering, story, written_so_far = Numbering(0), Story(), 0
    for switch in range(draw(st.integers(1, 4))):
        source, target = switch % 2, 1 - switch % 2
        count = draw(st.integers(0, 7))
        contents = [b"%d" % n for n in range(written_so_far, written_so_far + count)]
        written_so_far += count
        logs[source] = draw(written(logs[source], contents))
        logs[target] = draw(mirrored(logs[source], logs[target], repeating=repeating))
        after = decided(logs_of(logs[source], logs[target], tail), numbering)
        story.steps.append((logs[source], logs[target], numbering, after))
        numbering = after
    return story


def logs_of(source: Log, target: Log, tail: int | None = None) -> Logs:
    ours = source.records if tail is None else source.records[-tail:]
    theirs = target.records if tail is None else target.records[-tail:]
    runs = runs_of(ours, theirs, from_the_beginning=len(ours) == len(source.records))
    last = ours[-1].offset if ours else -1
    whole = runs[-1].end == last + 1 if runs else not ours
    return Logs(
        topic="t",
        partition=0,
        source_end=source.end,
        target_begin=0,
        target_end=target.end,
        runs=closed(runs, source.end, target.end, whole=whole),
    )


def numbers_up_to(source: Log, numbering: Numbering) -> range:
    """Every number that a client may hold when a switch is made."""
    return range(numbering.number(source.end) + 1)


@given(stories(repeating=True))
def test_nothing_is_missed(story):
    assert misses_nothing(story)


@given(stories(repeating=False))
def test_nothing_is_read_twice_where_everything_was_seen(story):
    for source, target, before, after in story.steps:
        for number in numbers_up_to(source, before):
            assert target.unread(after.offset(number)) == source.unread(before.offset(number))


@given(stories(repeating=True, tail=3))
def test_nothing_is_missed_where_only_the_end_was_seen(story):
    assert misses_nothing(story)


@given(stories(repeating=True))
def test_a_number_tells_which_numbering_it_is_of(story):
    for source, _, before, after in story.steps:
        if after.floor != before.floor:
            assert after.floor > before.number(source.end)
        else:
            # It goes on: every record has the number that it had.
            assert after.older == before.older


@given(stories(repeating=False), st.integers(2, 9))
def test_thinned_stretches_lead_no_further(story, most):
    for _, _, _, after in story.steps:
        few = Numbering(0, after.delta, after.floor, thinned(after.older, most))
        assert len(few.older) <= max(2, most)
        for number in range(after.floor):
            assert few.offset(number) <= after.offset(number)


@given(stories(repeating=True), st.integers(1, 9))
def test_thinned_runs_miss_nothing(story, most):
    for source, target, before, _ in story.steps:
        logs = logs_of(source, target)
        few = thinned_runs(logs.runs, most) if most > 1 else logs.runs[-1:]
        less = Logs(
            topic="t",
            partition=0,
            source_end=logs.source_end,
            target_begin=0,
            target_end=logs.target_end,
            runs=few if most > 1 else (Run(source.end, target.end, 0, whole=False),),
        )
        after = decided(less, before)
        for number in numbers_up_to(source, before):
            wanted = source.never_read(before.offset(number))
            assert holds(target.unread(after.offset(number)), wanted)


def logs(topic: str, source_end: int, target_end: int | None, *runs: Run) -> Logs:
    return Logs(
        topic=topic,
        partition=0,
        source_end=source_end,
        target_begin=0,
        target_end=target_end,
        runs=runs,
    )


ALIKE = logs("alike", 9, 9, Run(0, 0, 9, True), Run(9, 9, 0, True))
SHIFTED = logs("shifted", 9, 7, Run(0, 0, 5, True), Run(7, 5, 2, True), Run(9, 7, 0, True))


def test_topics_whose_numbers_are_plain_have_no_record():
    (only,) = numbered("main", 1, [ALIKE, SHIFTED], ())
    assert (only.physical, only.epoch, only.before) == ("shifted", 1, ())
    assert [n.floor for n in only.partitions] == [10]
    assert renumbered(only)[0].partition == "shifted-0"


def test_a_plan_of_an_aborted_switch_has_no_effect_and_is_replaced():
    (planned,) = numbered("main", 1, [SHIFTED], ())
    assert planned.at(0) == ()
    healed = logs("shifted", 9, 9, *ALIKE.runs)
    (again,) = numbered("main", 1, [healed], [planned])
    assert (again.partitions, again.before, renumbered(again)) == ((), (), ())


def test_what_holds_until_the_commit_is_told_with_what_holds_from_then_on():
    (first,) = numbered("main", 1, [SHIFTED], ())
    back = logs("shifted", 7, 9, Run(0, 0, 5, True), Run(5, 7, 2, False), Run(7, 9, 0, True))
    (second,) = numbered("main", 2, [back], [first])
    assert second.before == first.partitions
    assert second.at(1) == first.at(1)
    assert second.partitions[0].floor > first.partitions[0].number(7)


def test_a_shift_alone_needs_no_new_numbering():
    """As of a mirror that began late: every record keeps its number."""
    late = logs("late", 9, 5, Run(4, 0, 5, whole=False), Run(9, 5, 0, whole=True))
    after = decided(late, Numbering(0))
    assert (after.delta, after.floor, after.older) == (4, 0, ())
    assert [after.number(offset) for offset in (0, 5)] == [4, 9]


def test_numbers_that_a_lost_cluster_may_have_given_out_are_never_given_again():
    seen = logs("t", 9, None, Run(0, 0, 5, True))
    after = decided(seen, Numbering(0))
    assert after.floor > 1_000_000_000
    assert [after.offset(n) for n in (0, 4, 5, 9, 12_345)] == [0, 4, 5, 5, 5]


def test_a_forced_switch_resets_no_numbers_of_what_it_did_not_see():
    (first,) = numbered("main", 1, [SHIFTED], ())
    (forced,) = numbered("main", 2, [], [first], is_forced=True)
    assert forced.partitions[0].floor > first.partitions[0].floor
    assert numbered("main", 2, [], [first])[0].partitions == ()


def test_what_is_seen_again_and_again_grows_into_one_run():
    rows = [Placed(n, b"%d" % n) for n in range(40)]
    runs: tuple[Run, ...] = ()
    for end in (10, 15, 30, 40):
        newer = runs_of(rows[end - 8 : end], rows[end - 8 : end])
        runs = continued(runs, newer)
    assert [(run.source, run.target, run.end) for run in runs] == [(2, 2, 40)]


def test_between_two_looks_that_differ_only_the_beginning_is_known():
    runs = continued((Run(0, 0, 5, whole=True),), (Run(20, 12, 3, whole=False),))
    after = decided(logs("t", 23, 15, *closed(runs, 23, 15, whole=True)), Numbering(0))
    assert [after.offset(n) for n in (4, 5, 12, 19, 20, 23)] == [4, 5, 5, 5, 12, 15]


def test_places_of_groups_are_known_before_all_that_was_seen():
    runs = with_points((Run(20, 12, 3, whole=False),), [(7, 4), (3, 2), (5, 1), (21, 13)])
    assert [(run.source, run.target) for run in runs] == [(3, 2), (7, 4), (20, 12)]


def test_the_way_back_knows_what_the_way_there_knew():
    there = (Run(0, 0, 5, whole=True), Run(7, 5, 2, whole=True))
    assert turned_round(there) == (Run(0, 0, 5, whole=False), Run(5, 7, 2, whole=True))


def test_whoever_reads_on_from_a_record_forgets_nothing_of_what_stands_before_it():
    first = (Run(0, 0, 1, whole=True),)
    assert continued(first, (Run(0, 0, 3, whole=False),)) == (Run(0, 0, 3, whole=True),)
    behind_a_marker = (Run(0, 0, 2, whole=True), Run(3, 2, 1, whole=True))
    newer = (Run(3, 2, 1, whole=False), Run(5, 3, 1, whole=True))
    assert continued(behind_a_marker, newer) == (*behind_a_marker, newer[1])
    unread = (Run(7, 4, 2, whole=False),)
    assert continued(unread, (Run(7, 4, 4, whole=False),)) == (Run(7, 4, 4, whole=False),)
