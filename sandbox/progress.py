"""What is being downloaded or started, told to whoever shows it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import msgspec


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """One step began or ended."""

    step: str
    """What a person reads: `download Kafka 4.3.1`, `start main-kafka1`."""
    state: Literal["began", "done", "failed"]
    seconds: float = 0.0
    """How long the step took, once it is done."""


Report: TypeAlias = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Show nothing."""


@contextmanager
def step(name: str, report: Report) -> Iterator[None]:
    """Report what happens inside as one step, with the time that it took."""
    began = time.monotonic()
    report(Progress(name, "began"))
    try:
        yield
    except BaseException:
        report(Progress(name, "failed", time.monotonic() - began))
        raise
    report(Progress(name, "done", time.monotonic() - began))
