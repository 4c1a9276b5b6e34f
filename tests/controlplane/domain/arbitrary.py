"""Any value that a struct can have by its types, by chance: possible together or not.

Where thousands of large values are wanted, for each of which hypothesis would take milliseconds.
"""

import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from random import Random
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

Maker: TypeAlias = Callable[[Random], Any]

_PLAIN: Mapping[Any, Maker] = {
    bool: lambda chance: chance.random() < 0.5,
    int: lambda chance: chance.randrange(4),
    float: lambda chance: chance.choice((0.0, 1.0, chance.uniform(0, 100))),
    str: lambda chance: chance.choice(("a", "b")),
    bytes: lambda _: b"x",
    type(None): lambda _: None,
    datetime: lambda chance: datetime.fromtimestamp(1_700_000_000 + chance.random(), UTC),
}
"""Few values of each, so that some are the same."""


def any_struct(kind: type, chance: Random, **fixed: Any) -> Any:
    """One of a struct's values, with these in some of its fields."""
    makers = {name: make for name, make in _fields(kind).items() if name not in fixed}
    return kind(**{name: make(chance) for name, make in makers.items()}, **fixed)


@cache
def _maker(kind: Any) -> Maker:
    """Of a plain type, a struct or named tuple, or a union, tuple or mapping of them."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is not None:
        return _composed(origin, arguments)
    if issubclass(kind, Enum):
        members = list(kind)
        return lambda chance: chance.choice(members)
    return lambda chance: any_struct(kind, chance)


@cache
def _fields(kind: type) -> Mapping[str, Maker]:
    hints = get_type_hints(kind)
    names = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else tuple(hints)
    return {name: _maker(hints[name]) for name in names}


def _composed(origin: Any, arguments: tuple[Any, ...]) -> Maker:
    if origin in {Union, types.UnionType}:
        makers = [_maker(one) for one in arguments]
        return lambda chance: chance.choice(makers)(chance)
    if origin is Literal:
        return lambda chance: chance.choice(arguments)
    if origin is tuple and arguments[1:] == (Ellipsis,):
        element = _maker(arguments[0])
        return lambda chance: tuple(element(chance) for _ in range(chance.choice((0, 0, 1, 2))))
    if origin is tuple:
        makers = [_maker(one) for one in arguments]
        return lambda chance: tuple(make(chance) for make in makers)
    assert issubclass(origin, Mapping), origin
    key, value = map(_maker, arguments)
    return lambda chance: {key(chance): value(chance) for _ in range(chance.randrange(2))}
