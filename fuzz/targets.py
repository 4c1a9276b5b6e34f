"""What of the gateway is fed with hostile bytes, and what must hold whatever they are.

The first two bytes of an input choose the target, the rest is its frame. A target may raise what
its documentation names; anything else is a finding, as is an output that is larger than what was
put in explains.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

from dataplane.gateway.frames import FrameLimitError, FrameReader
from dataplane.virtual import answers, refusals
from dataplane.virtual.apis import APIS, Treatment, treatment
from dataplane.virtual.programs import program
from dataplane.virtual.view import Listener, View
from dataplane.wire.errors import MalformedFrameError, RefusedRequestError
from dataplane.wire.schema import Direction
from fuzz.control_targets import control_targets
from fuzz.feeding import Target

_RAISES: Final = (MalformedFrameError, RefusedRequestError, FrameLimitError)
LONGEST: Final = 4096
"""Bytes of the longest input."""

_VIEW: Final = View(
    vcluster="team",
    cluster_id="shown-cluster-id",
    listeners=(Listener("gate.test", 6969), Listener("gate.test", 6970)),
    brokers=(1, 2, 3),
    cluster_index=1,
    epoch=2,
)
_FACTS: Final[tuple[Any, ...]] = (None, b"consumer", True)
_GROWTH: Final = 64
"""No byte of an input gives more bytes of output: a name of one byte gets a prefix, a node id
the address of a listener."""
_BASE: Final = 4096
"""Bytes that an output may have whatever the input: the list of brokers, for one."""


def all_targets(instrument: Callable[[Any], Any]) -> list[Target]:
    """Every program, what the gateway decodes itself, and what the control plane reads.

    Programs are generated at this moment.
    """
    return [*_programs(instrument), *_DECODERS, *control_targets()]


def _programs(instrument: Callable[[Any], Any]) -> list[Target]:
    ways: tuple[Direction, ...] = ("request", "response")
    return [
        Target(f"{row.name} {version} {way}", _runner(instrument, row.key, version, way), _RAISES)
        for row in APIS.values()
        if row.treatment is Treatment.REWRITE
        for version in row.served
        for way in ways
    ]


def _runner(
    instrument: Callable[[Any], Any], key: int, version: int, way: Direction
) -> Callable[[bytes], object]:
    run = instrument(program(key, version, way).run)

    def request(frame: bytes) -> None:
        pieces, _, _ = run(frame, _VIEW)
        _check_growth(pieces, frame)

    def response(frame: bytes) -> None:
        fact = _FACTS[frame[0] % len(_FACTS)] if frame else None
        _check_growth(run(frame, _VIEW, fact), frame)

    return request if way == "request" else response


def _check_growth(pieces: list[Any], frame: bytes) -> None:
    size = sum(map(len, pieces))
    if size > _BASE + _GROWTH * len(frame):
        raise AssertionError(f"{len(frame)} bytes became {size}")


def _refused(frame: bytes) -> object:
    served = _treatment(frame) is Treatment.REWRITE
    return refusals.refusal(frame, 29, "no") if served else None


def _denied(frame: bytes) -> object:
    return refusals.denial(frame) if _treatment(frame) is Treatment.DENY else None


def _treatment(frame: bytes) -> Treatment:
    """What the gateway does with such a frame before it decodes it."""
    return treatment(int.from_bytes(frame[:2]), int.from_bytes(frame[2:4]))


def _sasl(frame: bytes) -> object:
    version = frame[0] % 3 if frame else 0
    return answers.authenticate_token(bytes((0, 36, 0, version)) + frame[1:])


def _stream(data: bytes) -> None:
    """A stream in chunks of a size that the first byte says: frames come out, nothing grows."""
    reader = FrameReader(LONGEST)
    chunk = data[0] + 1 if data else 1
    taken = 0
    for at in range(1, len(data), chunk):
        part = data[at : at + chunk]
        reader.get_buffer()[: len(part)] = part
        taken += sum(map(len, reader.received(len(part))))
    if taken > len(data):
        raise AssertionError(f"{len(data)} bytes became {taken}")


_DECODERS: Final = [
    Target("refusal", _refused, _RAISES),
    Target("denial", _denied, _RAISES),
    Target("SaslAuthenticate", _sasl, _RAISES),
    Target("stream", _stream, _RAISES),
]


def seeds(targets: list[Target], frames: dict[str, list[bytes]]) -> list[bytes]:
    """Inputs to begin with: frames by the target's name, and one of each for the decoders."""
    some = list(chain.from_iterable(group[:1] for group in frames.values()))
    return [
        number.to_bytes(2) + frame
        for number, target in enumerate(targets)
        for frame in frames.get(target.name, some[:40])
    ]
