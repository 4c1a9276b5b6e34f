"""Kafka's message schema as a small tree, read once from kio's dataclasses.

kio generates its dataclasses from Kafka's own message definitions; the `kafka_type` and `tag` of a
field stand in its metadata, nullability in its type.
"""

import dataclasses
import types
import typing
from collections.abc import Iterator
from functools import cache
from pkgutil import resolve_name
from typing import Any, Literal, TypeAlias

from kio.schema.index import api_key_map, schema_name_map
from kio.static.constants import EntityType

Direction: TypeAlias = Literal["request", "response"]

FIXED_SIZES = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "uint16": 2,
    "error_code": 2,
    "int32": 4,
    "timedelta_i32": 4,
    "int64": 8,
    "float64": 8,
    "timedelta_i64": 8,
    "datetime_i64": 8,
    "uuid": 16,
}
"""Bytes on the wire of each type whose size does not depend on its value."""

STRUCT = "struct"


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    type_name: str
    """Name of the Python type of one value: kio says `TopicName`, `GroupId`, `BrokerId`, ..."""
    kind: str
    """A key of FIXED_SIZES, or `string`, `bytes`, `records`, `struct`."""
    array: bool
    nullable: bool
    """Of an array: whether the array itself may be null."""
    tag: int | None
    struct: "Struct | None"

    @property
    def step(self) -> str:
        """The field's name in a path: `topics[]` for an array."""
        return f"{self.name}[]" if self.array else self.name

    @property
    def may_be_absent(self) -> bool:
        """Whether it is a single struct that may be null."""
        return self.struct is not None and self.nullable and not self.array

    @property
    def element_size(self) -> int | None:
        """Bytes of one value if that is the same for all values, else None."""
        if self.struct is None:
            return FIXED_SIZES.get(self.kind)
        return None if self.may_be_absent else self.struct.size


@dataclasses.dataclass(frozen=True, slots=True)
class Struct:
    """A message, or the elements of an array of structs."""

    entity: type[Any]
    """The dataclass, as kio has it."""
    flexible: bool
    """Compact lengths, and a section of tagged fields at the end (KIP-482)."""
    fields: tuple[Field, ...]
    tagged: tuple[Field, ...]

    @property
    def size(self) -> int | None:
        """Bytes of the struct if that is the same for all values, else None."""
        sizes = [None if field.array else field.element_size for field in self.fields]
        if self.flexible or None in sizes:
            return None
        return sum(size for size in sizes if size is not None)

    @property
    def least_size(self) -> int:
        """Bytes that a value has at least; never 0."""
        return max(1, sum(self._least(field) for field in self.fields) + self.flexible)

    def _least(self, field: Field) -> int:
        if field.array or (field.nullable and field.struct is not None):
            return 1
        if field.struct is not None:
            return field.struct.least_size
        return FIXED_SIZES.get(field.kind, 1)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Field]]:
        """Every leaf field with its path, as `topics[].partitions[].leader_epoch`.

        A struct that may be null is a field of its own, and comes before those inside it.
        """
        for field in (*self.fields, *self.tagged):
            path = prefix + field.step
            if field.struct is None or field.may_be_absent:
                yield path, field
            if field.struct is not None:
                yield from field.struct.walk(path + ".")


@cache
def versions(api_key: int) -> tuple[int, int]:
    """The lowest and the highest version that the schema knows."""
    known = schema_name_map[api_key_map[api_key]]
    return min(known), max(known)


def api_name(api_key: int) -> str:
    """The API's name in snake case, as `list_offsets`."""
    return api_key_map[api_key]


def entity_of(api_key: int, version: int, direction: Direction) -> type[Any]:
    """The dataclass that kio has for a message.

    Raises:
        KeyError: the schema does not know this API or version.
    """
    names = schema_name_map[api_key_map[api_key]][version]
    entity: type[Any] = resolve_name(
        names[EntityType.request if direction == "request" else EntityType.response]
    )
    return entity


def message(api_key: int, version: int, direction: Direction) -> Struct:
    """The schema of a message. Raises KeyError if it is not known."""
    return struct_of(entity_of(api_key, version, direction))


_STRUCTS: dict[type[Any], Struct] = {}


def struct_of(entity: type[Any]) -> Struct:
    """The schema of one of kio's dataclasses."""
    known = _STRUCTS.get(entity)
    if known is None:
        known = _STRUCTS[entity] = _read(entity)
    return known


def _read(entity: type[Any]) -> Struct:
    hints = typing.get_type_hints(entity)
    fields = tuple(_field(f, hints[f.name]) for f in dataclasses.fields(entity))
    return Struct(
        entity=entity,
        flexible=entity.__flexible__,
        fields=tuple(field for field in fields if field.tag is None),
        tagged=tuple(field for field in fields if field.tag is not None),
    )


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    present, nullable = _without_none(hint)
    array = typing.get_origin(present) is tuple
    element: type[Any] = _without_none(typing.get_args(present)[0])[0] if array else present
    nested = struct_of(element) if dataclasses.is_dataclass(element) else None
    return Field(
        name=field.name,
        type_name=element.__name__,
        kind=STRUCT if nested else field.metadata["kafka_type"],
        array=array,
        nullable=nullable,
        tag=field.metadata.get("tag"),
        struct=nested,
    )


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint, False
    return next(arg for arg in typing.get_args(hint) if arg is not type(None)), True
