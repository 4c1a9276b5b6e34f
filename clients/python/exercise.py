"""What the Python programs share: where to connect, what to do, and how to tell how it went.

A program prints one line of JSON for each step: `{"step": ..., "result": ..., "detail": ...}`,
where the result is `ok`, `failed` or `skipped`. Steps go on after one that failed.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

BOOTSTRAP = os.environ["KAFKA_BOOTSTRAP"]
USERNAME = os.environ.get("KAFKA_USERNAME", "")
"""Empty: connect without authentication, as to a broker."""
PASSWORD = os.environ.get("KAFKA_PASSWORD", "")
PREFIX = os.environ["NAME_PREFIX"]

TOPIC = f"{PREFIX}-orders"
GROUP = f"{PREFIX}-readers"
TRANSACTIONAL_ID = f"{PREFIX}-payments"
PARTITIONS = 4
RECORDS = 10
"""Produced in every step."""
PATIENCE = 30
"""Seconds that anything may take."""

COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")

expected: list[str] = []
"""Values that a consumer must find, each once."""


class Said:
    """What a step has to tell about itself."""

    def __init__(self) -> None:
        self.detail = ""

    def __call__(self, detail: str) -> None:
        self.detail = detail


@contextmanager
def step(name: str) -> Iterator[Said]:
    """Run a step; what it raises is its failure."""
    said = Said()
    try:
        yield said
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this step's result
        traceback.print_exc(file=sys.stderr)
        tell(name, "failed", f"{type(error).__name__}: {error}")
    else:
        tell(name, "ok", said.detail)


def skip(name: str, reason: str) -> None:
    """A step that the library has not."""
    tell(name, "skipped", reason)


def tell(name: str, result: str, detail: str) -> None:
    """Print one line of JSON."""
    print(json.dumps({"step": name, "result": result, "detail": detail}), flush=True)


def values(name: str) -> list[str]:
    """The values that a step produces."""
    return [f"{name}-{number}" for number in range(RECORDS)]


def compare(found: list[str]) -> str:
    """Complain unless exactly what was produced was found; else say how much that is."""
    missing = sorted(set(expected) - set(found))
    surplus = sorted(set(found) - set(expected))
    twice = len(found) - len(set(found))
    if missing or surplus or twice:
        raise AssertionError(f"missing {missing}, surplus {surplus}, {twice} read twice")
    return f"{len(found)} records, exactly those produced"


def check(holds: object, complaint: str) -> None:
    """Complain unless something holds."""
    if not holds:
        raise AssertionError(complaint)


class Deadline:
    """The end of somebody's patience."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end
