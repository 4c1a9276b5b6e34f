"""The page that the matrix writes: `docs/clients.md`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from clients.catalogue import Client
from clients.steps import Outcome, Record, Result

PAGE: Final = Path("docs/clients.md")

Run = tuple[Client, Record | str]
"""A client and what it did, or why its program could not be built."""

_SIGNS: Final[Mapping[Result, str]] = {
    Result.OK: "yes",
    Result.FAILED: "**NO**",
    Result.SKIPPED: "-",
}

_INTRODUCTION: Final = """\
# Clients

Made by `make clients`; do not edit it.

Every client library below ran one and the same exercise as a tenant, through one gateway, on a \
real Kafka {kafka} cluster of {brokers} brokers: its program is in `clients/`, uses nothing but \
what applications use, and checks by itself that exactly what was produced is what is consumed, \
in read_committed. `python -m clients --direct` runs the same programs against the brokers \
without the gateway, so that a library's own fault can be told from the gateway's.

The run took {minutes:.0f} minutes on {cores} cores, after downloads and builds (four minutes the \
first time; they are kept in the sandbox's cache).

Libraries with idempotent producers then run it once more with each of their writes answered as a \
repetition (`tests/dataplane/gateway/test_repeated_answers.py`), and all of them with their \
offsets numbered anew before the first Fetch (`test_renumbered_clients.py`).

In the tables *yes*: it did; **NO**: it failed, see below; *-*: the library has no such thing, \
see below.
"""


def document(
    sections: Mapping[str, Sequence[Run]], *, kafka: str, brokers: int, minutes: float, cores: int
) -> str:
    """The whole page: a table for each section, then what there is to say about its clients."""
    introduction = _INTRODUCTION.format(kafka=kafka, brokers=brokers, minutes=minutes, cores=cores)
    lines = [introduction]
    for title, runs in sections.items():
        lines += [f"## {title}", "", *_table(runs), ""]
        lines += [*_clients(runs), "", *_remarks(runs)]
    return "\n".join(lines).rstrip() + "\n"


def _table(runs: Sequence[Run]) -> Iterator[str]:
    ran = [(client, record) for client, record in runs if isinstance(record, Record)]
    yield f"| step | {' | '.join(client.name for client, _ in ran)} |"
    yield "|---" * (1 + len(ran)) + "|"
    steps = ran[0][0].steps if ran else {}
    for step, meaning in steps.items():
        signs = (_SIGNS[record.outcomes[step].result] for _, record in ran)
        yield f"| {meaning} | {' | '.join(signs)} |"


def _clients(runs: Iterable[Run]) -> Iterator[str]:
    yield "| client | library | version | result | seconds |"
    yield "|---|---|---|---|---|"
    for client, record in runs:
        name = f"| {client.name} | {client.title} | {client.version} |"
        if isinstance(record, str):
            yield f"{name} could not be built: {_plain(record)} | |"
        else:
            yield f"{name} {_summary(record)} | {record.seconds:.0f} |"


def _summary(record: Record) -> str:
    results = [outcome.result for outcome in record.outcomes.values()]
    said = f"{results.count(Result.OK)} steps done"
    for result, word in ((Result.FAILED, "failed"), (Result.SKIPPED, "not there")):
        if count := results.count(result):
            said += f", {count} {word}"
    return said


def _remarks(runs: Iterable[Run]) -> Iterator[str]:
    for client, record in runs:
        if isinstance(record, str):
            continue
        told = [o for o in record.outcomes.values() if o.result is not Result.OK]
        if told:
            yield from (f"### {client.name}", "", *map(_remark, told), "")


def _remark(outcome: Outcome) -> str:
    failed = "failed with" if outcome.result is Result.FAILED else "not there:"
    return f"- `{outcome.step}` {failed} {_plain(outcome.detail)}"


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
