"""Writes `docs/protocol-coverage.md` from the tables: `python -m dataplane.virtual.coverage`."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dataplane.virtual import field_classes
from dataplane.virtual.apis import APIS, Api, Treatment
from dataplane.virtual.effects import WRITES
from dataplane.virtual.field_classes import FieldClass
from dataplane.virtual.fields import class_of
from dataplane.wire.schema import Direction, api_name, message, versions
from dataplane.wire.treatments import FieldTreatment

TARGET: Final = Path("docs/protocol-coverage.md")

_INTRODUCTION: Final = """\
# Protocol coverage

Made by `python -m dataplane.virtual.coverage` from `dataplane/virtual/apis.py`, `field_classes.py`
and `fields.py`; do not edit it.

What is offered to a client is, for each API, the versions below as far as every configured cluster
has them. Everything else is refused and not offered.

`tests/dataplane/equivalence` sends generated requests of every API and version that is rewritten to
a broker twice, through the gateway and directly, and compares the answers; what is not compared
stands in its `worlds.DIFFERENCES`. What the gateway answers in a broker's place is compared there
with what Kafka's own classes, and a broker that refuses a stranger, make of the same requests.

## APIs

*Versions*: those that are offered. *By topic id to*: answered with UNKNOWN_TOPIC_ID.
*Repeatable*: sending it twice does no more than sending it once. *Error*: the error code with which
a request is answered: of what is rewritten one that had to wait too long, so that clients try
again; of what is denied every one, with the reason as its message where the answer has room for it.
*Writes*: the error code for a read-only account.
"""


def document() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_apis(), "", *_classes(), "", *_fields(), ""])


def _apis() -> Iterator[str]:
    yield "| key | API | treatment | versions | of Kafka's | repeatable | error | writes | why |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in APIS.values():
        known = "-".join(map(str, versions(row.key)))
        if row.treatment is Treatment.REFUSE:
            yield f"| {row.key} | {row.name} | refuse | | {known} | | | | {row.reason} |"
        else:
            repeatable = "yes" if row.repeatable else "no"
            error = _ERROR.get(row.treatment, lambda _: "")(row)
            yield (
                f"| {row.key} | {row.name} | {row.treatment} | {_offered(row)} | {known} |"
                f" {repeatable} | {error} | {WRITES.get(row.key, '')} | {row.reason} |"
            )


_ERROR: Final = {
    Treatment.REWRITE: lambda row: str(row.busy_error),
    Treatment.DENY: lambda row: str(row.denied_with),
}


def _offered(row: Api) -> str:
    words = f" (served from {row.served_from})" if row.served_from else ""
    return f"{row.lowest}-{row.highest}{words}"


def _classes() -> Iterator[str]:
    yield "## Classes of fields"
    yield ""
    yield "| class | what it holds | in a request | in a response |"
    yield "|---|---|---|---|"
    for class_ in vars(field_classes).values():
        if isinstance(class_, FieldClass):
            ways = (
                (_words(class_.request), _words(class_.response))
                if class_.offered
                else ("not offered", "not offered")
            )
            yield f"| {class_.name} | {class_.meaning} | {' | '.join(ways)} |"


def _words(treatment: FieldTreatment | None) -> str:
    if treatment is None:
        return "passes"
    summary = (type(treatment).__doc__ or "").split("\n", maxsplit=1)[0]
    return summary.rstrip(".").replace("|", "or")


def _fields() -> Iterator[str]:
    yield "## Fields that do not just pass"
    yield ""
    yield "| API | in a request | in a response |"
    yield "|---|---|---|"
    for row in APIS.values():
        if row.treatment is Treatment.REWRITE:
            request, response = (_treated(row, way) for way in ("request", "response"))
            yield f"| {row.name} | {request} | {response} |"


def _treated(row: Api, direction: Direction) -> str:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for version in row.served:
        for path, field in message(row.key, version, direction).walk():
            class_ = class_of(api_name(row.key), direction, path, field)
            if class_ is not None and getattr(class_, direction) is not None:
                found[class_.name][f"`{path}`"] = None
    return "<br>".join(f"**{name}** {', '.join(paths)}" for name, paths in found.items()) or "-"


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(document(), encoding="utf-8")
