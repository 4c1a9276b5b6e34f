"""The process that libFuzzer drives: `python -m fuzz.target CORPUS [options of libFuzzer]`."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dataplane", "contract", "controlplane", "upstream"]):
    from fuzz import targets
    from fuzz.control_targets import written_seeds
    from fuzz.feeding import feed
    from tests.dataplane.virtual.instances import (
        OFFERED,
        generated,
        request_frame,
        response_frame,
    )

from dataplane.virtual.apis import APIS
from dataplane.wire.schema import Direction

SEEDS_EACH = 3


def valid_frames() -> dict[str, list[bytes]]:
    """Generated messages, by target."""
    ways: tuple[tuple[Direction, object], ...] = (
        ("request", request_frame),
        ("response", response_frame),
    )
    of_the_gateway = {
        f"{APIS[key].name} {version} {way}": [
            make(key, version, generated(key, version, way, seed)) for seed in range(SEEDS_EACH)
        ]
        for key, version in OFFERED
        for way, make in ways
    }
    return of_the_gateway | written_seeds()


def main() -> None:
    """Write the corpus to begin with, then feed what libFuzzer makes of it."""
    known = targets.all_targets(atheris.instrument_func)
    print(f"targets: {len(known)}")
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.seeds(known, valid_frames())):
        (corpus / f"seed-{number}").write_bytes(seed)

    def one(data: bytes) -> None:
        if len(data) >= 2:
            feed(known[int.from_bytes(data[:2]) % len(known)], data[2:])

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
