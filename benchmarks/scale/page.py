"""docs/scale.md: what was measured, size by size, and the law of each figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scale.figures import SECTIONS, Figure, process_figures
from benchmarks.scale.law import fitted

TOLD_FOR = (5_000, 45_000, 200_000)
"""Partitions for which the page says what the law gives."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One size, as a line of docs/scale.jsonl."""

    partitions: int
    topics: int
    written: int
    groups: int
    connections: int
    switches: int
    date: str
    cores: int
    load: float
    """Load average at the end."""
    figures: dict[str, float]
    amiss: list[str]


def page(sizes: Sequence[Measured]) -> str:
    """Sizes in order."""
    sections = {**SECTIONS, "Processes": process_figures()}
    lines = ["# The switch by the size of the clusters", "", _about(), ""]
    lines += ["| partitions | topics | written in a second | groups | connections | measured | |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.partitions:,} | {one.topics:,} | {one.written:,} | {one.groups:,}"
        f" | {one.connections:,} | {one.date}"
        f" | {one.cores} cores, load average {one.load:.1f} at the end |"
        for one in sizes
    ]
    for title, figures in sections.items():
        lines += ["", f"## {title}", "", *_table(figures, sizes)]
    amiss = [f"- {one.partitions:,} partitions: {what}" for one in sizes for what in one.amiss]
    lines += ["", "## What did not go as it should", "", *(amiss or ["Nothing."])]
    return "\n".join([*lines, ""])


def _about() -> str:
    return (
        "Made by `make scale`; do not edit it. Clusters of one broker, MirrorMaker 2, two control"
        " planes, two gateways and all clients share the cores of one machine, on which other work"
        " ran too: times that passed are those of a busy machine, and hardly the product's own"
        " where the load average is above the number of cores. Every partition holds records of"
        " 256 bytes before anything is measured, and all are written in turns. A law is a constant"
        " and a slope, fitted to the sizes above; what it gives for larger ones is worked out, not"
        " measured."
    )


def _table(figures: Sequence[Figure], sizes: Sequence[Measured]) -> list[str]:
    heads = [f"{one.partitions:,}" for one in sizes]
    told = [f"*{partitions:,}*" for partitions in TOLD_FOR]
    lines = [f"| | {' | '.join([*heads, 'law', *told])} |"]
    lines += ["|" + "---|" * (len(heads) + len(told) + 2)]
    for figure in figures:
        if any(figure.name in one.figures for one in sizes):
            lines.append(_row(figure, sizes))
    return lines


def _row(figure: Figure, sizes: Sequence[Measured]) -> str:
    cells = [_cell(one.figures.get(figure.name), figure) for one in sizes]
    points = [
        (one.partitions, one.figures[figure.name]) for one in sizes if figure.name in one.figures
    ]
    law = fitted(points) if figure.grows else None
    if law is None:
        cells += ["", *("" for _ in TOLD_FOR)]
    else:
        slope = f"{law.slope * 1000:+.{figure.digits + 1}f} for each 1,000"
        cells += [f"{_cell(law.constant, figure)} {slope}"]
        cells += [f"*{_cell(max(0.0, law.at(partitions)), figure)}*" for partitions in TOLD_FOR]
    unit = f", {figure.unit}" if figure.unit else ""
    return f"| {figure.title}{unit} | {' | '.join(cells)} |"


def _cell(value: float | None, figure: Figure) -> str:
    return "" if value is None else f"{value:,.{figure.digits}f}"
