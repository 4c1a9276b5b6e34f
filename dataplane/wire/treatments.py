"""What a program can do with a field: plain descriptions, which the compiler turns into code.

A field without a treatment is passed over. Treatments name attributes of the view that the program
is run with; this package knows nothing else about it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class AddPrefix:
    """A string gets `view.prefix` before it; null stays null."""

    empty_error: int
    """What a request with an empty name is refused with: a prefix would make it valid."""
    noted: bool = False
    """The fact handed to the response's program is whether the name was given."""
    aliased: bool = False
    """A name that `view.physical_of` has becomes what stands there instead."""
    aliased_after: int | None = None
    """Only if the integer that was checked just before it (`Only`) is this."""
    written: bool = False
    """An alias in `view.read_only_aliases` is refused."""


@dataclass(frozen=True, slots=True)
class StripPrefix:
    """A string loses `view.prefix`; null and empty stay as they are."""

    leave_out_foreign: bool = False
    """What holds a name with another prefix is left out: an array's element, or a struct that may
    be null. Else such a name is an error."""
    aliased: bool = False
    """A name that `view.logical_of` has becomes what stands there instead."""
    identified: bool = False
    """The topic's id comes after it (`ShownId`)."""


@dataclass(frozen=True, slots=True)
class ShownId:
    """A topic's UUID on the cluster becomes the one that clients know it by."""

    named: bool = False
    """Its name came before it: it may be that of an alias."""
    numbered: bool = False
    """The topic's numberings are those of the partitions below; it is one that was asked for."""


@dataclass(frozen=True, slots=True)
class ClusterId:
    """A topic's UUID that clients know becomes the one of the cluster."""


@dataclass(frozen=True, slots=True)
class Named:
    """A UUID must be zero: else the topic is named by it, and its name is found out first."""


@dataclass(frozen=True, slots=True)
class OwnId:
    """A UUID in the place of a topic's name, which `view.topic_ids` must know for an own topic's.

    It becomes the one of the cluster; else which topic it is has to be found out first. So it has
    to be for all topics, where an array of them is null.
    """

    written: bool = False
    """That of an alias for reading only is not known for it."""
    numbered: bool = False
    """The topic's numberings are those of the partitions below."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A UUID passes, and is put to the list that is handed in as the fact."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A field of fixed size always has this value."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Mapped:
    """One or many int32 go through a method of the view: big-endian bytes to as many bytes."""

    method: str


@dataclass(frozen=True, slots=True)
class ListenerHost:
    """A string becomes the host of `view.endpoint` for the mapped node id before it."""


@dataclass(frozen=True, slots=True)
class ListenerPort:
    """An int32 becomes the port of `view.endpoint` for the mapped node id before it."""


@dataclass(frozen=True, slots=True)
class Through:
    """A string or byte field goes through a function of its value, the view and the fact.

    The function returns the very same object for "leave it as it is".
    """

    function: Callable[[bytes | None, Any, Any], Any]
    counts: bool = False
    """Whether it also returns how many elements of the value it has looked at."""


@dataclass(frozen=True, slots=True)
class Patched:
    """Some bytes inside a byte field give way to as many others; the rest is not copied.

    The function gets the frame, where the field's bytes start and end, and the view, and returns
    pairs of a position in the frame and the bytes that stand there from now on, in their order.
    """

    function: Callable[[Any, int, int, Any], Sequence[tuple[int, bytes]]]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A field, arrays included, is replaced by bytes that a function of the view makes.

    The function also gets the struct of the elements (None for a string) and whether lengths are
    compact, and returns the field as it goes onto the wire.
    """

    function: Callable[[Any, Any, bool], bytes]


@dataclass(frozen=True, slots=True)
class GivenIfNull:
    """A struct that is null, after no name was noted, becomes bytes that a function makes."""

    function: Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Only:
    """A field must have one of these values; a request with another is refused."""

    allowed: tuple[int, ...] | tuple[bytes, ...]
    """Integers, or of a UUID its bytes."""
    error: int
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """An integer or string is the fact handed to the caller and to the response's program."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """A non-negative int64 gets an attribute of the view added."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A tagged field is left out."""


@dataclass(frozen=True, slots=True)
class TopicNumbered:
    """A topic's name, treated as `name` says; its numberings are those of the partitions below."""

    name: AddPrefix | StripPrefix


@dataclass(frozen=True, slots=True)
class PartitionNumbered:
    """A partition's index; its numbering is that of the fields after it."""


@dataclass(frozen=True, slots=True)
class ToOffset:
    """A number that a client brings becomes the offset of the cluster."""

    noted: bool = False
    """The fact handed to the response's program says where partitions go on whose number is of an
    older numbering."""


@dataclass(frozen=True, slots=True)
class ToNumber:
    """An offset of the cluster becomes the number that clients know."""


@dataclass(frozen=True, slots=True)
class Renumbered:
    """Record batches get the numbers that clients know.

    The function gets the frame, where the field's bytes start and end, and the partition's
    numbering, and returns patches like that of `Patched`. If the request noted an older number,
    there are other bytes instead, made of where the partition goes on.
    """

    function: Callable[[Any, int, int, Any], Sequence[tuple[int, bytes]]]
    instead: Callable[[int], bytes]


FieldTreatment: TypeAlias = (
    AddPrefix
    | StripPrefix
    | ShownId
    | ClusterId
    | Named
    | OwnId
    | Gathered
    | Constant
    | Mapped
    | ListenerHost
    | ListenerPort
    | Through
    | Patched
    | Replaced
    | GivenIfNull
    | Only
    | Noted
    | Shifted
    | Dropped
    | TopicNumbered
    | PartitionNumbered
    | ToOffset
    | ToNumber
    | Renumbered
)

NUMBERING = (PartitionNumbered, ToOffset, ToNumber, Renumbered)
"""What is done only for topics whose numbers are not the cluster's own offsets."""
