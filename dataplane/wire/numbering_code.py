"""Code for the fields that hold offsets, and for those that say of which partition.

In generated code `numbers` has the numberings of the topic at hand (None where all are plain), and
`numbering` is that of the partition at hand.
"""

from dataplane.wire.emitter import Emitter
from dataplane.wire.treatments import AddPrefix, StripPrefix, ToOffset


def emit_topic(emitter: Emitter, name: AddPrefix | StripPrefix, *, compact: bool) -> None:
    """Look up a topic's numberings, by its logical name in a request, else by its physical one.

    The position stays: the name itself is yet to be treated.
    """
    side = "logical" if isinstance(name, AddPrefix) else "physical"
    style = "compact" if compact else "classic"
    known = emitter.view(f"numbers_of_{side}")
    emitter.line(f"numbers = {known}.get({style}_string(frame, {emitter.at()}))")


def emit_partition(emitter: Emitter) -> None:
    """Look up a partition's numbering."""
    emitter.line(f"partition = i32(frame, {emitter.at()})[0]")
    emitter.line("numbering = numbers.of(partition) if numbers is not None else None")
    emitter.ahead += 4


def emit_to_offset(emitter: Emitter, treatment: ToOffset) -> None:
    """A number that a client brings."""
    at, after = emitter.at(), emitter.at(8)
    with emitter.block("if numbering is not None:"):
        emitter.line(f"value = i64(frame, {at})[0]")
        emitter.splice("pack_i64(numbering.offset(value))", at, after)
        if treatment.noted:
            with emitter.block("if 0 <= value < numbering.floor:"):
                emitter.line("fact = fact or {}")
                emitter.line(
                    "fact[numbers.physical, partition] = numbering.number(numbering.offset(value))"
                )
    emitter.ahead += 8


def emit_to_number(emitter: Emitter) -> None:
    """An offset that the cluster tells."""
    at, after = emitter.at(), emitter.at(8)
    with emitter.block("if numbering is not None:"):
        emitter.splice(f"pack_i64(numbering.number(i64(frame, {at})[0]))", at, after)
    emitter.ahead += 8
