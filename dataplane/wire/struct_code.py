"""Code for what holds other fields: structs, arrays, tagged fields."""

from collections.abc import Callable
from typing import TypeAlias

from dataplane.wire.emitter import Emitter
from dataplane.wire.field_code import emit_count, emit_field, emit_room, emit_toll
from dataplane.wire.schema import Field, Struct
from dataplane.wire.treatments import (
    Dropped,
    FieldTreatment,
    GivenIfNull,
    OwnId,
    Replaced,
    StripPrefix,
    TopicNumbered,
)

Classify: TypeAlias = Callable[[str, Field], FieldTreatment | None]
"""The treatment of a field, by its path."""


class StructCode:
    """Walks a schema and emits code for each field on the way."""

    def __init__(self, emitter: Emitter, classify: Classify) -> None:
        self._emitter = emitter
        self._classify = classify

    def struct(self, struct: Struct, path: str = "") -> None:
        """All fields; `path` is the struct's own, with a dot at its end if not empty."""
        for field in struct.fields:
            self._member(field, path, compact=struct.flexible)
        if struct.flexible:
            self._tags(struct, path)

    def _member(self, field: Field, path: str, *, compact: bool) -> None:
        treatment = self._classify(path + field.step, field)
        inside = f"{path}{field.step}."
        if isinstance(treatment, Replaced):
            self._replaced(field, treatment, compact=compact)
        elif field.struct is None:
            emit_field(self._emitter, field, treatment, compact)
        elif not field.array:
            self._nested(field, field.struct, inside, treatment)
        elif field.struct.size is None or self._is_treated(field.struct, inside):
            self._array(field, field.struct, inside, compact=compact)
        else:
            emit_field(self._emitter, field, None, compact)

    def _is_treated(self, struct: Struct, path: str) -> bool:
        return any(self._classify(inner, field) is not None for inner, field in struct.walk(path))

    def _nested(
        self, field: Field, struct: Struct, inside: str, treatment: FieldTreatment | None
    ) -> None:
        if not field.nullable:
            self.struct(struct, inside)
            return
        emitter = self._emitter
        emitter.settle()
        emitter.line("pos += 1")
        with emitter.block("if frame[pos - 1] == 1:"):
            if self._is_filtered(struct, inside):
                self._filtered_struct(struct, inside)
            else:
                self.struct(struct, inside)
                emitter.settle()
        if isinstance(treatment, GivenIfNull):
            function = emitter.bind(treatment.function.__name__, treatment.function)
            with emitter.block("elif not fact:"):
                emitter.splice(f"{function}(view)", "pos - 1", "pos")

    def _filtered_struct(self, struct: Struct, inside: str) -> None:
        """A struct that becomes null if it holds a foreign name."""
        emitter = self._emitter
        emitter.loops += 1
        mark, foreign = f"mark{emitter.loops}", f"foreign{emitter.loops}"
        emitter.line("pieces.append(mv[last : pos - 1])")
        emitter.line("last = pos - 1")
        emitter.line(f"{mark} = len(pieces)")
        emitter.line(f"{foreign} = False")
        self.struct(struct, inside)
        emitter.settle()
        with emitter.block(f"if {foreign}:"):
            emitter.line(f"del pieces[{mark}:]")
            emitter.line("pieces.append(NULL_STRUCT)")
            emitter.line("last = pos")
        emitter.loops -= 1

    def _is_filtered(self, struct: Struct, inside: str) -> bool:
        """Whether a foreign name in the struct itself takes the struct with it."""
        treatments = [self._classify(inside + field.step, field) for field in struct.fields]
        names = [t.name if isinstance(t, TopicNumbered) else t for t in treatments]
        return any(isinstance(t, StripPrefix) and t.leave_out_foreign for t in names)

    def _replaced(self, field: Field, treatment: Replaced, *, compact: bool) -> None:
        """Walk over the whole field, untreated, and put something else in its place."""
        emitter = self._emitter
        emitter.settle()
        start = f"start{emitter.loops}"
        emitter.line(f"{start} = pos")
        StructCode(emitter, lambda _path, _field: None)._member(field, "", compact=compact)  # noqa: SLF001 - the same class
        emitter.settle()
        function = emitter.bind(treatment.function.__name__, treatment.function)
        element = emitter.bind(f"{field.name}_struct", field.struct)
        emitter.splice(f"{function}(view, {element}, {compact})", start, "pos")

    def _array(self, field: Field, struct: Struct, inside: str, *, compact: bool) -> None:
        emitter = self._emitter
        loop = self._filtered_loop if self._is_filtered(struct, inside) else self._loop
        emitter.loops += 1
        loop(field, struct, inside, compact=compact)
        emitter.loops -= 1

    def _loop(self, field: Field, struct: Struct, inside: str, *, compact: bool) -> None:
        emitter = self._emitter
        count = f"count{emitter.loops}"
        emit_count(emitter, field, count, compact=compact)
        emit_room(emitter, count, struct.least_size)
        emit_toll(emitter, count, nullable=field.nullable)
        if field.nullable and self._is_named_by_id(struct, inside):
            with emitter.block(f"if {count} < 0:"):
                emitter.line("named_by_id()")
        with emitter.block(f"for _ in range({count}):"):
            self.struct(struct, inside)
            emitter.settle()

    def _is_named_by_id(self, struct: Struct, inside: str) -> bool:
        """Whether an answer about all that there are would name topics by ids that nobody asked."""
        return any(isinstance(self._classify(inside + f.step, f), OwnId) for f in struct.fields)

    def _filtered_loop(self, field: Field, struct: Struct, inside: str, *, compact: bool) -> None:
        """A loop that takes back the pieces of foreign elements and corrects the count."""
        emitter = self._emitter
        count, kept, place, mark, foreign = (
            f"{name}{emitter.loops}" for name in ("count", "kept", "place", "mark", "foreign")
        )
        emitter.settle()
        emitter.line("pieces.append(mv[last:pos])")
        emitter.line(f"{place} = len(pieces)")
        emitter.line("pieces.append(b'')")
        emit_count(emitter, field, count, compact=compact)
        emit_room(emitter, count, struct.least_size)
        emit_toll(emitter, count, nullable=field.nullable)
        emitter.line("last = pos")
        emitter.line(f"{kept} = min({count}, 0)")
        with emitter.block(f"for _ in range({count}):"):
            emitter.line("pieces.append(mv[last:pos])")
            emitter.line("last = pos")
            emitter.line(f"{mark} = len(pieces)")
            emitter.line(f"{foreign} = False")
            self.struct(struct, inside)
            emitter.settle()
            with emitter.block(f"if {foreign}:"):
                emitter.line(f"del pieces[{mark}:]")
                emitter.line("last = pos")
            with emitter.block("else:"):
                emitter.line(f"{kept} += 1")
        emitter.line(f"pieces[{place}] = encode_count({kept}, compact={compact})")

    def _tags(self, struct: Struct, path: str) -> None:
        """Tagged fields: usually there are none. Those that must go go.

        So do those that the schema does not know: what a newer peer says there may hold names.
        """
        emitter = self._emitter
        kept = frozenset(f.tag for f in struct.tagged if self._is_kept(f, path))
        with emitter.block(f"if frame[{emitter.at()}]:"):
            emitter.line(f"tags_at = {emitter.at()}")
            emit_toll(emitter, "uvarint(frame, tags_at)[0]")
            name = emitter.bind("kept_tags", kept)
            emitter.line(f"tags, pos = only_tags(frame, tags_at, {name})")
            emitter.splice("tags", "tags_at", "pos")
        with emitter.block("else:"):
            emitter.line(f"pos += {emitter.ahead + 1}")
        emitter.ahead = 0

    def _is_kept(self, field: Field, path: str) -> bool:
        """Whether a tagged field passes: if nothing within it is to be dropped.

        Raises:
            TypeError: something within it is to be changed, which no program does.
        """
        step = path + field.step
        inner = field.struct.walk(step + ".") if field.struct is not None else ()
        leaves = [self._classify(step, field), *(self._classify(p, f) for p, f in inner)]
        if any(isinstance(leaf, Dropped) for leaf in leaves):
            return False
        if any(leaf is not None for leaf in leaves):
            raise TypeError(f"the tagged field {step} can pass or be dropped, not be changed")
        return True
