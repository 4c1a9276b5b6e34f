"""The programs that are compiled, each written to a module of its own."""

import re
from collections.abc import Iterator
from struct import Struct
from types import BuiltinMethodType
from typing import Any, Final

from dataplane.compiled.programs import module_name
from dataplane.virtual.programs import program
from dataplane.wire.compiler import RUNTIME, Program, source_for_bytes
from dataplane.wire.schema import Direction

_PRODUCE: Final = 0
_FETCH: Final = 1
HOT: Final[tuple[tuple[int, int, Direction], ...]] = (
    (_PRODUCE, 8, "request"),
    (_PRODUCE, 12, "request"),
    (_PRODUCE, 13, "request"),
    (_PRODUCE, 7, "response"),
    (_PRODUCE, 8, "response"),
    (_PRODUCE, 12, "response"),
    (_PRODUCE, 13, "response"),
    (_FETCH, 11, "response"),
    (_FETCH, 12, "response"),
    (_FETCH, 17, "response"),
)
"""API key, version and direction: of what comes once for each batch, in the versions that clients
of the last years speak. They go for more: Produce 9 to 12 look the same, and so do 3 to 8, and
Fetch 16 to 18."""

_MODULE: Final = '''\
"""Written by `dataplane.building`."""

{given}

interpreted: Any = None


{source}

def run(frame: Buffer, view: Any, fact: Any = None) -> Any:
    if isinstance(frame, bytes):
        return {name}(frame, view, fact)
    return interpreted(frame, view, fact)
'''


def modules() -> dict[str, str]:
    """The sources of all of them, by the names of their modules."""
    hot = (program(*which) for which in HOT)
    return {module_name(one): module_of(one) for one in hot}


def module_of(one: Program) -> str:
    """The source of a module that has a program in the form for `bytes`."""
    source = source_for_bytes(one)
    named = set(re.findall(r"\b[A-Za-z_]\w*", source)) | {"Any", "Buffer"}
    known = {**RUNTIME, **one.bound}
    given = "\n".join(
        line for name, value in known.items() if name in named for line in _given(name, value)
    )
    name = source.split("(", 1)[0].removeprefix("def ")
    return _MODULE.format(given=given, source=source, name=name)


def _given(name: str, value: Any) -> Iterator[str]:
    """How a module gets what a program names.

    Raises:
        TypeError: that cannot be written down.
    """
    if name == "Buffer":
        yield "from dataplane.wire.primitives import Buffer"
    elif name == "Any":
        yield "from typing import Any, Final"
    elif isinstance(value, BuiltinMethodType) and isinstance(value.__self__, Struct):
        yield f"from struct import Struct as _Struct_of_{name}"
        yield f"{name}: Any = _Struct_of_{name}({value.__self__.format!r}).{value.__name__}"
    elif isinstance(value, tuple):
        for one in value:
            yield f"from {one.__module__} import {one.__qualname__} as _{one.__qualname__}"
        yield f"{name} = ({', '.join(f'_{one.__qualname__}' for one in value)})"
    elif isinstance(value, frozenset):
        yield f"{name}: Final[frozenset[int]] = frozenset({sorted(value)})"
    elif value is None or isinstance(value, bytes):
        yield f"{name}: Final = {value!r}"
    elif getattr(value, "__qualname__", "<").isidentifier():
        yield f"from {value.__module__} import {value.__qualname__} as {name}"
    else:
        raise TypeError(f"{name} = {value!r} cannot be written to a module")
