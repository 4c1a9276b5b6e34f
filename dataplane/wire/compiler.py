"""Generates, from a message's schema and its fields' treatments, the function that rewrites it.

The generated function walks the bytes once and returns the pieces of the new frame: slices of the
old one and, between them, what is new. Nothing is decoded, and records are never copied. For a
Heartbeat request of version 3 the middle of it reads:

    n = i16(frame, pos)[0]                           # group_id
    if 0 < n < 256:
        pieces.append(mv[last:pos])
        pieces.append(grown_classic[n])              # the new length, then the prefix
        last = pos + 2                               # the name itself stays where it is
        pos += 2 + n
    else:
        ...                                          # null, empty or long
    n = i16(frame, pos + 4)[0]                       # generation_id skipped, member_id
    pos += 6 + (n if n >= 0 else unexpected_null(pos))

`source_of` shows the code of any program. Every length is checked before it is believed: an array
must fit into what is left of the frame, so hostile lengths cost nothing; and what a client may have
looked at one by one, with all others waiting, is counted.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from dataplane.wire import primitives
from dataplane.wire.emitter import Emitter
from dataplane.wire.errors import ForeignNameError, MalformedFrameError
from dataplane.wire.names import (
    named_by_id,
    rare_classic_name,
    rare_classic_topic,
    rare_compact_name,
    rare_compact_topic,
)
from dataplane.wire.schema import Struct
from dataplane.wire.struct_code import Classify, StructCode

Part: TypeAlias = Literal["request", "response", "body"]
"""`body` is a struct without a header, rewritten like a response."""

MOST_ELEMENTS: Final = 50_000
"""Topics, partitions, groups and so on in one request, all together: it takes a tenth of a second,
in which nobody else is served."""

RUNTIME: Final[dict[str, Any]] = {
    "Any": Any,
    "Buffer": primitives.Buffer,
    "ForeignNameError": ForeignNameError,
    "MalformedFrameError": MalformedFrameError,
    "named_by_id": named_by_id,
    "not_readable": (IndexError, struct.error, OverflowError),
    "i16": primitives.INT16.unpack_from,
    "i32": primitives.INT32.unpack_from,
    "i64": primitives.INT64.unpack_from,
    "pack_i64": primitives.INT64.pack,
    "uvarint": primitives.uvarint,
    "NULL_STRUCT": primitives.NULL_STRUCT,
    "NO_TAGS": primitives.NO_TAGS,
    "skip_tags": primitives.skip_tags,
    "only_tags": primitives.only_tags,
    "null_length": primitives.null_length,
    "unexpected_null": primitives.unexpected_null,
    "beyond_end": primitives.beyond_end,
    "too_many": primitives.too_many,
    "classic_string": primitives.classic_string,
    "compact_string": primitives.compact_string,
    "encode_string": primitives.encode_string,
    "encode_bytes": primitives.encode_bytes,
    "encode_count": primitives.encode_count,
    "rare_compact_name": rare_compact_name,
    "rare_classic_name": rare_classic_name,
    "rare_compact_topic": rare_compact_topic,
    "rare_classic_topic": rare_classic_topic,
}
"""What generated code may call."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled message."""

    run: Callable[..., Any]
    """A request: `(frame, view, fact=None) -> (pieces, fact, elements)`, with what is known before
    as the fact that stays if the frame does not say it, and how many elements were looked at; a
    response: `(frame, view, fact) -> pieces`; a body the same, with elements if they are counted.
    """
    source: str
    bound: Mapping[str, Any]
    """What its source names besides `RUNTIME`."""


def source_of(program: Program) -> str:
    """The generated source, for whoever wants to read it."""
    return program.source


def source_for_bytes(program: Program) -> str:
    """The same for frames that are `bytes`, typed so that compiling it (ADR 37) is worth the while.

    Pieces are copied but for the last one: to show it is worth more than to copy it, if it is long.
    """
    begin, shown = "    mv = memoryview(frame)\n", "    pieces.append(mv[last:])\n    return "
    source = program.source.replace("(frame: Buffer,", "(frame: bytes,", 1)
    source = source.replace(begin, "    mv = frame\n", 1)
    return source.replace(shown, shown.replace("mv", "memoryview(frame)"), 1)


def compile_program(
    name: str,
    message: Struct,
    part: Part,
    classify: Classify,
    *,
    tagged_header: bool = False,
    most_elements: int | None = None,
    counts_skipped: bool = False,
) -> Program:
    """Generate a program.

    Args:
        name: what its function is called.
        message: the schema.
        part: what it is of.
        classify: gives the treatment of each path.
        tagged_header: whether the header has tagged fields.
        most_elements: so many elements of arrays a frame may have that are looked at one by one;
            one with more is malformed, and is so before they are looked at. None: any number.
        counts_skipped: whether elements count, too, that are passed over in one step, as somebody
            else is going to look at them.
    """
    emitter = Emitter(most_elements, counts_skipped=counts_skipped)
    _emit_header(emitter, part, tagged=tagged_header)
    StructCode(emitter, classify).struct(message)
    emitter.settle()
    source = _assembled(name, part, emitter)
    namespace = {**RUNTIME, **emitter.bound}
    exec(compile(source, f"<{name}>", "exec"), namespace)  # noqa: S102 - the source is ours alone
    return Program(run=namespace[name], source=source, bound=MappingProxyType(emitter.bound))


def _emit_header(emitter: Emitter, part: Part, *, tagged: bool) -> None:
    if part == "request":
        emitter.line("n = frame[8] << 8 | frame[9]")
        emitter.line("pos = 10 + (n if n < 32768 else null_length(n - 65536, 8))")
    else:
        emitter.line(f"pos = {4 if part == 'response' else 0}")
    if tagged:
        with emitter.block("if frame[pos]:"):
            emitter.line("start = pos")
            emitter.line("pos = skip_tags(frame, pos)")
            emitter.splice("NO_TAGS", "start", "pos")
        with emitter.block("else:"):
            emitter.line("pos += 1")


def _assembled(name: str, part: Part, emitter: Emitter) -> str:
    most = emitter.most_elements
    request = part == "request"
    elements = f"{most} - left" if most is not None else "0"
    result = "pieces, fact, " + elements if request else "pieces"
    if part == "body" and most is not None:
        result = "pieces, " + elements
    fact = "fact: Any = None" if request else "fact: Any"
    return "\n".join(
        [
            f"def {name}(frame: Buffer, view: Any, {fact}) -> Any:",
            "    mv = memoryview(frame)",
            "    end = len(frame)",
            "    pieces: list[Buffer] = []",
            "    last = 0",
            *([f"    left = {most}"] if most is not None else []),
            *(f"    {attribute} = view.{attribute}" for attribute in emitter.view_attributes),
            "    try:",
            *emitter.lines,
            "    except not_readable as error:",
            f"        raise MalformedFrameError(f'{name}: {{error}}') from None",
            "    if pos > end:",
            f"        raise MalformedFrameError(f'{name}: {{pos - end}} bytes are missing')",
            "    pieces.append(mv[last:])",
            f"    return {result}",
            "",
        ]
    )
