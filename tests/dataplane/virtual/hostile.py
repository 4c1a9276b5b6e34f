"""Requests that are made to cost as much as they can: many small elements, alike or not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.messages import blank
from dataplane.wire.schema import Field, Struct, message
from tests.dataplane.virtual.instances import request_frame

ASKED = [
    (row.key, version)
    for row in APIS.values()
    if row.treatment in {Treatment.REWRITE, Treatment.DENY}
    for version in (
        row.served if row.treatment is Treatment.REWRITE else range(row.lowest, row.highest + 1)
    )
]
"""All APIs and versions that clients may use, but for the log-in."""


class Shape(NamedTuple):
    """How the names in a request are."""

    names: tuple[str, ...]
    """In turn; `{}` is a number."""
    last: str

    def name(self, number: int, count: int) -> str:
        if number == count - 1:
            return self.last
        return self.names[number % len(self.names)].format(number)


SHAPES = {
    "tiny": Shape(("x",), "x"),
    "distinct": Shape(("{}",), ""),
    "mixed": Shape(("x", "x", "n{}", "l" * 150, r"\2x"), ""),
}


def arrays_of(struct: Struct, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a request has arrays, by the names of the fields that lead there."""
    for field in struct.fields:
        if field.array:
            yield (*path, field.name)
        if field.struct is not None:
            yield from arrays_of(field.struct, (*path, field.name))


def hostile_frame(
    key: int, version: int, array: tuple[str, ...], count: int, shape: Shape
) -> bytes:
    """A request with so many elements in one of its arrays, and one in those that lead there."""
    struct = message(key, version, "request")
    body = _struct(struct, array, count, shape, "topic")
    if hasattr(body, "acks"):
        body = replace(body, acks=1)  # else nobody expects an answer
    return request_frame(key, version, body)


def _struct(struct: Struct, array: tuple[str, ...], count: int, shape: Shape, name: str) -> Any:
    given = {}
    for field in struct.fields:
        if array and field.name == array[0]:
            given[field.name] = _filled(field, array, count, shape)
        elif field.kind == "string" and field.struct is None and not field.array:
            given[field.name] = name
        elif field.kind in {"uint16", "float64"}:
            given[field.name] = 1
    return blank(struct.entity, **given)


def _filled(field: Field, array: tuple[str, ...], count: int, shape: Shape) -> Any:
    def one(number: int, of: int) -> Any:
        name = shape.name(number, of) if of > 1 else "topic"
        if field.struct is not None:
            return _struct(field.struct, array[1:], count, shape, name)
        return name if field.kind == "string" else number % 100

    if not field.array:
        return one(0, 1)
    size = count if len(array) == 1 else 1
    return tuple(one(number, size) for number in range(size))
