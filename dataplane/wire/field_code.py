"""Code for one field, of each kind and with each treatment."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from dataplane.wire.emitter import Emitter
from dataplane.wire.errors import RefusedRequestError
from dataplane.wire.numbering_code import emit_partition, emit_to_number, emit_to_offset, emit_topic
from dataplane.wire.schema import FIXED_SIZES, Field
from dataplane.wire.treatments import (
    AddPrefix,
    ClusterId,
    Constant,
    Dropped,
    FieldTreatment,
    Gathered,
    GivenIfNull,
    ListenerHost,
    ListenerPort,
    Mapped,
    Named,
    Noted,
    Only,
    OwnId,
    PartitionNumbered,
    Patched,
    Renumbered,
    Replaced,
    Shifted,
    ShownId,
    StripPrefix,
    Through,
    ToNumber,
    ToOffset,
    TopicNumbered,
)

_UUID = FIXED_SIZES["uuid"]
_READERS = {
    "int8": "frame[{0}]",
    "int16": "i16(frame, {0})[0]",
    "int32": "i32(frame, {0})[0]",
    "uuid": "bytes(frame[{0} : {0} + 16])",
}


def emit_field(
    emitter: Emitter,
    field: Field,
    treatment: FieldTreatment | None,
    compact: bool,  # noqa: FBT001 - one signature for all emitters
) -> None:
    """A field that is no struct, or is passed over or replaced as a whole."""
    match treatment:
        case Mapped() if field.array:
            _emit_mapped_array(emitter, field, treatment, compact=compact)
        case _ if field.array:
            _emit_values(emitter, field, treatment, compact=compact)
        case _:
            _emit_value(emitter, field, treatment, compact=compact)


def _emit_value(  # noqa: C901, PLR0912 - one line for each treatment
    emitter: Emitter, field: Field, treatment: FieldTreatment | None, *, compact: bool
) -> None:
    match treatment:
        case None:
            _emit_skip(emitter, field, compact=compact)
        case AddPrefix():
            _emit_add_prefix(emitter, field, treatment, compact=compact)
        case StripPrefix():
            _emit_strip_prefix(emitter, field, treatment, compact=compact)
        case ShownId():
            _emit_shown_id(emitter, treatment)
        case ClusterId():
            _emit_cluster_id(emitter)
        case Named():
            _emit_named(emitter)
        case OwnId():
            _emit_own_id(emitter, treatment)
        case Gathered():
            _emit_gathered(emitter)
        case Constant():
            _emit_constant(emitter, treatment)
        case Mapped():
            _emit_mapped(emitter, treatment)
        case ListenerHost():
            _emit_host(emitter, field, compact=compact)
        case ListenerPort():
            emitter.splice("port", emitter.at(), emitter.at(4))
            emitter.ahead += 4
        case Through():
            _emit_through(emitter, field, treatment, compact=compact)
        case Patched():
            _emit_patched(emitter, field, treatment, compact=compact)
        case Only():
            _emit_only(emitter, field, treatment)
        case Noted():
            _emit_noted(emitter, field, compact=compact)
        case Shifted():
            _emit_shifted(emitter, treatment)
        case TopicNumbered(name):
            emit_topic(emitter, name, compact=compact)
            _emit_value(emitter, field, name, compact=compact)
        case PartitionNumbered():
            emit_partition(emitter)
        case ToOffset():
            emit_to_offset(emitter, treatment)
        case ToNumber():
            emit_to_number(emitter)
        case Renumbered():
            _emit_renumbered(emitter, field, treatment, compact=compact)
        case Replaced() | GivenIfNull() | Dropped():
            raise TypeError(f"{treatment} does not fit {field.name}")


def emit_count(emitter: Emitter, field: Field, name: str, *, compact: bool) -> None:
    """Read an array's length into a local, -1 for null, and settle."""
    if compact:
        emitter.line(f"{name} = frame[{emitter.at()}]")
        with emitter.block(f"if {name} < 128:"):
            emitter.line(f"pos += {emitter.ahead + 1}")
        with emitter.block("else:"):
            emitter.line(f"{name}, pos = uvarint(frame, {emitter.at()})")
        emitter.line(f"{name} -= 1")
    else:
        emitter.line(f"{name} = i32(frame, {emitter.at()})[0]")
        emitter.line(f"pos += {emitter.ahead + 4}")
    emitter.ahead = 0
    with emitter.block(f"if {name} < 0:"):
        emitter.line(f"null_length({name}, pos)" if field.nullable else "unexpected_null(pos)")


def emit_room(emitter: Emitter, count: str, least: int) -> None:
    """Check that `count` elements of `least` bytes can still be in the frame."""
    with emitter.block(f"if {count} * {least} > end - pos:"):
        emitter.line(f"beyond_end({count}, pos)")


def emit_toll(emitter: Emitter, count: str, *, nullable: bool = False) -> None:
    """Count the elements of an array that are looked at one by one, before they are."""
    if emitter.most_elements is not None:
        # The count of a null array is -1, and gives nothing back.
        emitter.line(f"left -= {count}" + (f" if {count} > 0 else 0" if nullable else ""))
        with emitter.block("if left < 0:"):
            emitter.line("too_many(pos)")


def emit_length(emitter: Emitter, field: Field, *, compact: bool) -> None:
    """Read a string's length into `n`, -1 for null; `pos` is then at its first byte."""
    if compact:
        emitter.line(f"n = frame[{emitter.at()}]")
        with emitter.block("if n < 128:"):
            emitter.line(f"pos += {emitter.ahead + 1}")
        with emitter.block("else:"):
            emitter.line(f"n, pos = uvarint(frame, {emitter.at()})")
        emitter.line("n -= 1")
    else:
        reader, size = ("i16", 2) if field.kind == "string" else ("i32", 4)
        emitter.line(f"n = {reader}(frame, {emitter.at()})[0]")
        emitter.line(f"pos += {emitter.ahead + size}")
    emitter.ahead = 0
    with emitter.block("if n < 0:"):
        emitter.line("null_length(n, pos)" if field.nullable else "unexpected_null(pos)")


def _sum(distance: int, size: str) -> str:
    return f"{distance} + {size}" if distance else size


def _emit_skip(emitter: Emitter, field: Field, *, compact: bool) -> None:
    size = FIXED_SIZES.get(field.kind)
    if size is not None:
        emitter.ahead += size
        return
    null = "null_length(-1, pos)" if field.nullable else "unexpected_null(pos)"
    if compact:
        emitter.line(f"n = frame[{emitter.at()}]")
        with emitter.block("if 0 < n < 128:"):
            emitter.line(f"pos += {_sum(emitter.ahead, 'n')}")
        with emitter.block("elif n:"):
            emitter.line(f"n, pos = uvarint(frame, {emitter.at()})")
            emitter.line("pos += n - 1")
        with emitter.block("else:"):
            emitter.line(f"pos += {emitter.ahead + 1} + {null}")
    else:
        reader, width = ("i16", 2) if field.kind == "string" else ("i32", 4)
        null = null.replace("-1", "n")
        emitter.line(f"n = {reader}(frame, {emitter.at()})[0]")
        emitter.line(f"pos += {emitter.ahead + width} + (n if n >= 0 else {null})")
    emitter.ahead = 0


def _emit_values(
    emitter: Emitter, field: Field, treatment: FieldTreatment | None, *, compact: bool
) -> None:
    """An array: skipped in one step if its elements have one size and no treatment, else a loop."""
    count = "count"
    emit_count(emitter, field, count, compact=compact)
    size = field.element_size
    least = size or 1
    emit_room(emitter, count, least)
    if treatment is None and size is not None:
        if emitter.counts_skipped:
            emit_toll(emitter, count, nullable=field.nullable)
        with emitter.block(f"if {count} > 0:"):
            emitter.line(f"pos += {count} * {size}")
        return
    emit_toll(emitter, count, nullable=field.nullable)
    element = replace(field, array=False, nullable=False)
    with emitter.block(f"for _ in range({count}):"):
        _emit_value(emitter, element, treatment, compact=compact)
        emitter.settle()


def _emit_add_prefix(
    emitter: Emitter, field: Field, treatment: AddPrefix, *, compact: bool
) -> None:
    style, width, usual, limit = (
        ("compact", 1, "1 < n <", "128") if compact else ("classic", 2, "0 < n <", "256")
    )
    rare = f"rare_{style}_name"
    if treatment.aliased:
        # With aliases the limit is 0, so that each name is looked up; else it costs nothing.
        limit = emitter.view(f"below_{style}")
        written = ", True" if treatment.written else ""
        aliased = f"rare_{style}_topic"
    else:
        written, aliased = "", rare
    if treatment.aliased_after is not None:
        aliased = f"({aliased} if value == {treatment.aliased_after} else {rare})"
    grown = emitter.view(f"grown_{style}")
    at = emitter.at()
    emitter.line(f"n = frame[{at}]" if compact else f"n = i16(frame, {at})[0]")
    with emitter.block(f"if {usual} {limit}:"):
        emitter.splice(f"{grown}[n]", at, emitter.at(width))
        emitter.line(f"pos += {_sum(emitter.ahead + (0 if compact else 2), 'n')}")
        if treatment.noted:
            emitter.line("fact = True")
    if field.nullable and not treatment.noted:
        with emitter.block("elif n == 0:" if compact else "elif n == -1:"):
            emitter.line(f"pos += {emitter.ahead + width}")
    with emitter.block("else:"):
        emitter.line(f"start = {at}")
        emitter.line(
            f"name, after, pos = {aliased}(frame, start, view, {field.nullable},"
            f" {treatment.empty_error}{written})"
        )
        emitter.splice("name", "start", "after")
        if treatment.noted:
            emitter.line(f"fact = pos - start > {width}")
    emitter.ahead = 0


def _emit_strip_prefix(
    emitter: Emitter, field: Field, treatment: StripPrefix, *, compact: bool
) -> None:
    prefix = emitter.view("prefix")
    size = emitter.view("prefix_size")
    emitter.settle()
    emitter.line("start = pos")
    if treatment.identified:
        emitter.line("alias = None")
    emit_length(emitter, field, compact=compact)
    with emitter.block("if n > 0:"):
        with emitter.block(f"if n > {size} and frame[pos : pos + {size}] == {prefix}:"):
            emitter.splice(
                f"{emitter.view('count_compact' if compact else 'count_classic')}(n - {size})",
                "start",
                f"pos + {size}",
            )
        if treatment.aliased:
            # Not loaded into a local: where all names are own ones, nobody looks.
            found = "name := view.logical_of.get(bytes(frame[pos : pos + n]))"
            with emitter.block(f"elif view.logical_of and ({found}):"):
                emitter.splice(f"encode_string(name, compact={compact})", "start", "pos + n")
                if treatment.identified:
                    emitter.line("alias = name")
        with emitter.block("else:"):
            if treatment.leave_out_foreign:
                emitter.line(f"foreign{emitter.loops} = True")
            else:
                emitter.line(f"raise ForeignNameError('{field.name} has no prefix of ours')")
        emitter.line("pos += n")


def _emit_shown_id(emitter: Emitter, treatment: ShownId) -> None:
    at, after = emitter.at(), emitter.at(_UUID)
    ids = emitter.view("topic_ids")
    if treatment.numbered:
        emitter.line(f"topic_id = {ids}.shown(bytes(frame[{at}:{after}]))")
        emitter.line(f"own_name = {ids}.named(topic_id)")
        with emitter.block("if own_name is None:"):
            emitter.line("raise ForeignNameError('a topic id is of none that was asked for')")
        emitter.line(f"numbers = {emitter.view('numbers_of_physical')}.get(own_name)")
    # Usually no topic has moved, and there are no aliases.
    with emitter.block(f"if {ids}:"):
        if treatment.numbered:
            shown = "topic_id"
        else:
            emitter.line(f"topic_id = bytes(frame[{at}:{after}])")
            shown = f"{ids}.shown(topic_id)"
        if treatment.named:
            shown = f"{shown} if alias is None else {ids}.shown_as(alias, topic_id)"
        emitter.splice(shown, at, after)
    emitter.ahead += _UUID


def _emit_gathered(emitter: Emitter) -> None:
    emitter.line(f"fact.append(bytes(frame[{emitter.at()}:{emitter.at(_UUID)}]))")
    emitter.ahead += _UUID


def _emit_cluster_id(emitter: Emitter) -> None:
    at, after = emitter.at(), emitter.at(_UUID)
    with emitter.block(f"if {emitter.view('topic_ids')}:"):
        emitter.splice(f"topic_ids.here(bytes(frame[{at}:{after}]))", at, after)
    emitter.ahead += _UUID


def _emit_named(emitter: Emitter) -> None:
    nothing = emitter.bind("no_id", bytes(_UUID))
    with emitter.block(f"if frame[{emitter.at()}:{emitter.at(_UUID)}] != {nothing}:"):
        emitter.line("named_by_id()")
    emitter.ahead += _UUID


def _emit_own_id(emitter: Emitter, treatment: OwnId) -> None:
    at, after = emitter.at(), emitter.at(_UUID)
    ids = emitter.view("topic_ids")
    emitter.line(f"topic_id = bytes(frame[{at}:{after}])")
    aliased = "writable" if treatment.written else "aliased"
    emitter.line(f"own_name = {ids}.own.get(topic_id) or {ids}.{aliased}.get(topic_id)")
    with emitter.block("if own_name is None:"):
        emitter.line("named_by_id()")
    with emitter.block(f"if {ids}:"):
        emitter.splice(f"{ids}.here(topic_id)", at, after)
    if treatment.numbered:
        emitter.line(f"numbers = {emitter.view('numbers_of_physical')}.get(own_name)")
    emitter.ahead += _UUID


def _emit_constant(emitter: Emitter, treatment: Constant) -> None:
    size = len(treatment.value)
    value = emitter.bind(f"constant{treatment.value.hex()}", treatment.value)
    with emitter.block(f"if frame[{emitter.at()}:{emitter.at(size)}] != {value}:"):
        emitter.splice(value, emitter.at(), emitter.at(size))
    emitter.ahead += size


def _emit_mapped(emitter: Emitter, treatment: Mapped) -> None:
    method = emitter.view(treatment.method)
    emitter.line(f"node = {method}(bytes(frame[{emitter.at()}:{emitter.at(4)}]))")
    emitter.splice("node", emitter.at(), emitter.at(4))
    emitter.ahead += 4


def _emit_mapped_array(emitter: Emitter, field: Field, treatment: Mapped, *, compact: bool) -> None:
    method = emitter.view(treatment.method)
    count = "count"
    emit_count(emitter, field, count, compact=compact)
    with emitter.block(f"if {count} > 0:"):
        emit_room(emitter, count, 4)
        emitter.line("after = pos + count * 4")
        emitter.splice(f"{method}(bytes(frame[pos:after]))", "pos", "after")
        emitter.line("pos = after")


def _emit_host(emitter: Emitter, field: Field, *, compact: bool) -> None:
    emitter.settle()
    emitter.line("start = pos")
    emit_length(emitter, field, compact=compact)
    with emitter.block("if n > 0:"):
        emitter.line("pos += n")
    emitter.line(f"host, port = {emitter.view('endpoint')}(node)")
    emitter.splice(f"encode_string(host, compact={compact})", "start", "pos")


def _emit_through(emitter: Emitter, field: Field, treatment: Through, *, compact: bool) -> None:
    function = emitter.bind(treatment.function.__name__, treatment.function)
    encode = "encode_string" if field.kind == "string" else "encode_bytes"
    emitter.settle()
    emitter.line("start = pos")
    emit_length(emitter, field, compact=compact)
    emit_room(emitter, "n", 1)
    emitter.line("old = bytes(frame[pos : pos + n]) if n >= 0 else None")
    if treatment.counts:
        emitter.line(f"new, n_inside = {function}(old, view, fact)")
        emit_toll(emitter, "n_inside")
    else:
        emitter.line(f"new = {function}(old, view, fact)")
    with emitter.block("if n > 0:"):
        emitter.line("pos += n")
    with emitter.block("if new is not old:"):
        emitter.splice(f"{encode}(new, compact={compact})", "start", "pos")


def _emit_patched(emitter: Emitter, field: Field, treatment: Patched, *, compact: bool) -> None:
    function = emitter.bind(treatment.function.__name__, treatment.function)
    emit_length(emitter, field, compact=compact)
    emit_room(emitter, "n", 1)
    with emitter.block("if n > 0:"):
        with emitter.block(f"for at, new in {function}(frame, pos, pos + n, view):"):
            emitter.splice("new", "at", "at + len(new)")
        emitter.line("pos += n")


def _emit_renumbered(
    emitter: Emitter, field: Field, treatment: Renumbered, *, compact: bool
) -> None:
    function = emitter.bind(treatment.function.__name__, treatment.function)
    instead = emitter.bind(treatment.instead.__name__, treatment.instead)
    emitter.settle()
    emitter.line("start = pos")
    emit_length(emitter, field, compact=compact)
    emit_room(emitter, "n", 1)
    with emitter.block("if n > 0:"):
        emitter.line("pos += n")
    noted = "fact.get((numbers.physical, partition))"
    with emitter.block(f"if fact and numbers is not None and (goes_on := {noted}) is not None:"):
        emitter.splice(f"encode_bytes({instead}(goes_on), compact={compact})", "start", "pos")
    read = f"{function}(frame, pos - n, pos, numbering) if n > 0 else ()"
    with (
        emitter.block("else:"),
        emitter.block(f"for at, new in {read}:"),
    ):
        emitter.splice("new", "at", "at + len(new)")


def _emit_only(emitter: Emitter, field: Field, treatment: Only) -> None:
    read = _READERS[field.kind].format(emitter.at())
    refuse = emitter.bind(f"refuse_{field.name}", _refusal(treatment))
    emitter.line(f"value = {read}")
    with emitter.block(f"if value not in {treatment.allowed}:"):
        emitter.line(f"{refuse}(value)")
    emitter.ahead += FIXED_SIZES[field.kind]


def _emit_noted(emitter: Emitter, field: Field, *, compact: bool) -> None:
    if field.kind in FIXED_SIZES:
        emitter.line(f"fact = {_READERS[field.kind].format(emitter.at())}")
        emitter.ahead += FIXED_SIZES[field.kind]
        return
    emit_length(emitter, field, compact=compact)
    with emitter.block("if n >= 0:"):
        emitter.line("fact = bytes(frame[pos : pos + n])")
        emitter.line("pos += n")


def _emit_shifted(emitter: Emitter, treatment: Shifted) -> None:
    shift = emitter.view(treatment.attribute)
    at, after = emitter.at(), emitter.at(8)
    emitter.line(f"value = i64(frame, {at})[0]")
    with emitter.block("if value >= 0:"):
        emitter.splice(f"pack_i64(value + {shift})", at, after)
    emitter.ahead += 8


def _refusal(treatment: Only) -> Callable[[int | bytes], NoReturn]:
    def refuse(value: int | bytes) -> NoReturn:
        shown = value if isinstance(value, int) else value.hex()
        raise RefusedRequestError(treatment.error, f"{treatment.reason}: {shown}")

    return refuse
