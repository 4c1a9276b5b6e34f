"""What became of whatever brokers took, as a page of the documentation: `docs/records.md`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.system.any_records import PARTITIONS


class Round(NamedTuple):
    """One writing of chance, and the planned switch behind it."""

    to: str
    records: int
    """That the broker took."""
    proved: Any
    """As `switch.caught_up` has it."""
    completed: Any
    """As `switch.completed` has it."""


def page(rounds: Sequence[Round]) -> str:
    """The whole page."""
    lines = [
        "# Whatever a broker takes",
        "",
        f"Made by `make records` on {datetime.now(UTC):%Y-%m-%d}; do not edit it.",
        "",
        (
            f"In each round one to three batches by chance to each of {PARTITIONS} partitions of a"
            " tenant, past the gateway, byte by byte: every codec, also as no library compresses;"
            " a fifth of them one record of a megabyte, or of four that became less; keys and"
            " values that are null or empty; no time, negative ones, of 1970, of now, of a quarter"
            " of an hour ahead; no header or forty, names repeated, empty, or no UTF-8;"
            " attributes that nobody defined, numbers of too many bits. Then a record of another"
            " tenant, which has to be copied; then a planned switch, there and back. Real brokers"
            " of Kafka 4.3, and MirrorMaker 2 as `interlock mirrormaker` runs it; two processors,"
            " with all other work of the machine."
        ),
        "",
        (
            "What the mirror wrote was read with librdkafka, and is what the broker had taken, in"
            " its order. No partition of that topic was only counted."
        ),
        "",
        (
            "| round | to | records taken | found one by one at the fence | seen alike before it"
            " | fenced, ms | switch, ms |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {number} | {one.to} | {one.records:,} | {one.proved.get('records', 0):,}"
        f" in {one.proved.get('every_record', 0)} partitions"
        f" | {one.proved.get('not_seen_since', 0)} partitions"
        f" | {one.completed['fenced_ms']:.0f} | {one.completed['total_ms']:.0f} |"
        for number, one in enumerate(rounds, 1)
    ]
    return "\n".join([*lines, ""])
