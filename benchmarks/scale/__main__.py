"""`make scale SIZES="50 500 2000"`: sizes by their partitions."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.scale.measuring import measured
from benchmarks.scale.page import Measured, page
from benchmarks.scale.scene import open_scene
from benchmarks.scale.size import Size

_DOCS = Path(__file__).parents[2] / "docs"
PAGE = _DOCS / "scale.md"
KEPT = _DOCS / "scale.jsonl"
"""One line for each size; one that is measured again takes the place of the former."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__)
    parser.add_argument("partitions", nargs="*", type=int, default=[50, 500, 2000])
    parser.add_argument("--each", type=int, default=10, help="partitions of a topic")
    parser.add_argument("--share", type=float, default=0.2, help="of them, written in a second")
    parser.add_argument("--groups", type=int, default=12)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--switches", type=int, default=3)
    wanted = parser.parse_args()
    for partitions in wanted.partitions:
        size = Size(
            topics=-(-partitions // wanted.each),
            partitions_each=wanted.each,
            share=wanted.share,
            groups=wanted.groups,
            connections=wanted.connections,
            switches=wanted.switches,
        )
        keep(measure(size))
        print(f"wrote {PAGE.name}", flush=True)


def measure(size: Size) -> Measured:
    """In an environment of its own."""
    with open_scene(size, say) as scene:
        figures, amiss = measured(scene, say)
    return Measured(
        partitions=size.partitions,
        topics=size.topics,
        written=size.written,
        groups=size.groups + size.members,
        connections=size.connections,
        switches=size.switches,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        cores=os.cpu_count() or 0,
        load=os.getloadavg()[0],
        figures=figures,
        amiss=amiss,
    )


def keep(one: Measured) -> None:
    """In the place of what was measured at that size before."""
    lines = KEPT.read_bytes().splitlines() if KEPT.exists() else []
    kept = {m.partitions: m for m in (msgspec.json.decode(line, type=Measured) for line in lines)}
    kept[one.partitions] = one
    sizes = [kept[partitions] for partitions in sorted(kept)]
    KEPT.write_bytes(b"".join(msgspec.json.encode(size) + b"\n" for size in sizes))
    PAGE.write_text(page(sizes))


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    main()
