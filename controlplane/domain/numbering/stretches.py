"""Where the numbers of a numbering that ends go on in the one that begins.

Everything here leads a number to a place that is never later than can be shown.
"""

from collections.abc import Sequence

from contract.numbering import Numbering, Stretch
from controlplane.domain.numbering.runs import Run


def stretches_of(
    runs: Sequence[Run], ending: Numbering, delta: int, target_begin: int
) -> tuple[Stretch, ...]:
    """What becomes of the numbers of a numbering that ends.

    Args:
        runs: what is known of both logs, in order.
        ending: its numbering on the source.
        delta: what is added to the target's offsets from now on; the next numbering's floor.
        target_begin: where the target's log begins.
    """
    begin, place = ending.floor, target_begin + delta
    found: list[Stretch] = []
    for run in runs:
        source, target = max(ending.floor, run.source + ending.delta), run.target + delta
        if run.whole:
            found.append(Stretch(begin, source, target))
        else:
            if begin < source:
                found.append(Stretch(begin, source, place))
            found.append(Stretch(source, source, target))
        begin, place = source + run.count, target + run.count
    # Up to where the next numbering begins; nobody knows what stands behind what was seen.
    return _one_each([*found, Stretch(begin, delta, place)])


def led_on(older: Sequence[Stretch], floor: int, newer: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Stretches into a numbering that ends, made to lead into the one that begins.

    Args:
        older: those of the numbering that ends.
        floor: where it begins.
        newer: what becomes of its own numbers.
    """
    ends = [*(stretch.begin for stretch in older[1:]), floor]
    found = [
        piece
        for stretch, end in zip(older, ends, strict=True)
        for piece in _pieces(stretch, end, newer)
    ]
    return _one_each(found)


def _pieces(stretch: Stretch, end: int, newer: Sequence[Stretch]) -> list[Stretch]:
    """One stretch, cut where what it leads to is led on in another way."""
    lowest, highest = stretch.place, stretch.of(end - 1)
    found = []
    limits = [*(n.begin for n in newer[1:]), None]
    for number, (onto, limit) in enumerate(zip(newer, limits, strict=True)):
        if (limit is not None and limit <= lowest) or onto.begin > highest:
            continue
        cut = max(lowest, onto.begin) if number else lowest
        begin = stretch.begin if cut == lowest else stretch.first + cut - lowest
        first = stretch.first + max(0, cut - lowest, onto.first - lowest)
        found.append(Stretch(begin, first, onto.of(max(cut, lowest))))
    return found


def thinned(stretches: Sequence[Stretch], most: int) -> tuple[Stretch, ...]:
    """At most so many: of the earlier half two become one, as often as it takes.

    In one that stands for two the later records stand where they stood, and the earlier ones too
    early by what the second lies closer to the first.
    """
    while len(stretches) > max(2, most):
        half = len(stretches) // 2 + len(stretches) // 2 % 2
        older, newer = stretches[:half], stretches[half:]
        stretches = (*(_joined(a, b) for a, b in zip(older[::2], older[1::2], strict=True)), *newer)
    return tuple(stretches)


def _joined(one: Stretch, next_one: Stretch) -> Stretch:
    place = min(one.place, next_one.place)
    first = next_one.first - (next_one.place - place)
    return Stretch(one.begin, max(one.first, first), place)


def _one_each(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Without those that the next one begins with, and those that go on like the one before."""
    found: list[Stretch] = []
    for stretch in stretches:
        if found and found[-1].begin == stretch.begin:
            found.pop()
        last = found[-1] if found else None
        goes_on = stretch.first == stretch.begin and last and last.first <= stretch.begin
        if last is None or not goes_on or last.of(stretch.begin) != stretch.place:
            found.append(stretch)
    return tuple(found)
