"""The compiled program of every offered message; made on first use, kept for good."""

from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from dataplane.compiled.programs import in_its_best_form
from dataplane.virtual.apis import APIS, Treatment, treatment
from dataplane.virtual.fields import NUMBERED, numbered_treatment_of, treatment_of
from dataplane.virtual.view import View
from dataplane.wire.compiler import MOST_ELEMENTS, Program, compile_program
from dataplane.wire.header import request_is_tagged, response_is_tagged
from dataplane.wire.primitives import Buffer
from dataplane.wire.schema import Direction, Field, api_name, message
from dataplane.wire.treatments import FieldTreatment

Fact: TypeAlias = int | bytes | bool | dict[tuple[bytes, int], int] | None
"""What a request's program found out: Produce its acks (0: no answer will come), JoinGroup its
protocol type, Fetch where partitions go on that were asked for by an older number; else None."""

RequestProgram: TypeAlias = Callable[..., tuple[list[Buffer], Fact, int]]
"""Rewrites a request frame, header included: `(frame, view)`, and of SyncGroup the protocol type,
which only newer versions say themselves. The number is that of the elements it has looked at.

Raises MalformedFrameError (end the connection) and RefusedRequestError (answer with its code)."""

ResponseProgram: TypeAlias = Callable[[Buffer, View, Fact], list[Buffer]]
"""Rewrites a response frame; takes the fact of its request. Raises MalformedFrameError."""

FEWER_ELEMENTS: Final = 10_000
"""The most of any other request: their answers are larger, and take that much longer."""
_OF_PARTITIONS: Final = frozenset({0, 1, 2, 3, 8, 9, 11, 14, 23, 24, 28, 32})
"""Produce, Fetch, ListOffsets, Metadata, OffsetCommit and so on: a client that has to do with
thousands of partitions names all of them at once, in DescribeConfigs (32) their topics."""


def most_elements(api_key: int) -> int:
    """So many topics, partitions, groups and so on may be in one request, all together."""
    return MOST_ELEMENTS if api_key in _OF_PARTITIONS else FEWER_ELEMENTS


@cache
def request_program(
    api_key: int,
    version: int,
    numbered: bool = False,  # noqa: FBT001, FBT002 - positional, for the cache
) -> RequestProgram:
    """The program for requests, `numbered` if a view has numbers of its own.

    Raises LookupError if they are not sent on.
    """
    run: RequestProgram = program(api_key, version, "request", numbered).run
    return run


@cache
def response_program(
    api_key: int,
    version: int,
    numbered: bool = False,  # noqa: FBT001, FBT002 - positional, for the cache
) -> ResponseProgram:
    """The program for responses. Raises LookupError if their requests are not sent on."""
    run: ResponseProgram = program(api_key, version, "response", numbered).run
    return run


def compile_all() -> None:
    """Compile everything that is offered: a second or two at start, none in front of a client."""
    for row in APIS.values():
        if row.treatment is Treatment.REWRITE:
            for version in row.served:
                request_program(row.key, version)
                response_program(row.key, version)
                if api_name(row.key) in NUMBERED:
                    request_program(row.key, version, True)
                    response_program(row.key, version, True)


@cache
def program(
    api_key: int,
    version: int,
    direction: Direction,
    numbered: bool = False,  # noqa: FBT001, FBT002 - positional, for the cache
) -> Program:
    """A program with its source. Raises LookupError if such a message is not sent on."""
    if treatment(api_key, version) is not Treatment.REWRITE:
        name = APIS[api_key].name if api_key in APIS else f"API {api_key}"
        raise LookupError(f"{name} version {version} is not sent to a cluster")
    api = api_name(api_key)
    if numbered and api not in NUMBERED:
        return program(api_key, version, direction)
    find = numbered_treatment_of if numbered else treatment_of

    def classify(path: str, field: Field) -> FieldTreatment | None:
        return find(api, direction, path, field)

    is_tagged = request_is_tagged if direction == "request" else response_is_tagged
    interpreted = compile_program(
        f"{api}_{direction}{'_numbered' if numbered else ''}",
        message(api_key, version, direction),
        direction,
        classify,
        tagged_header=is_tagged(api_key, version),
        most_elements=most_elements(api_key) if direction == "request" else None,
    )
    return in_its_best_form(interpreted)
