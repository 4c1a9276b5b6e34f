"""`make faults`: every fault in every state, cell by cell; what was run is not run again.

All of it takes hours: what was found is kept in `docs/faults.jsonl`, one line a cell. Whoever wants
a cell run again takes its line out. Rows may be run side by side, each by a command of its own.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sandbox.errors import SandboxError
from tests.faults.bed import open_bed
from tests.faults.cell import Result, Runner
from tests.faults.load import Load
from tests.faults.page import page
from tests.faults.states import STATES, State
from tests.faults.table import FAULTS, Fault

_PAGE = Path("docs/faults.md")
_RESULTS = Path("docs/faults.jsonl")


def main() -> int:
    """0 if every cell is as it should be."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--state", action="append", help="only this one; may be repeated")
    parser.add_argument("--fault", action="append", help="only those whose names contain this")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    parser.add_argument("--page", type=Path, default=_PAGE)
    wanted = parser.parse_args()
    for state in STATES:
        if wanted.state is None or state.name in wanted.state:
            _run_row(state, _missing(state, wanted.fault, wanted.results), wanted.results)
            wanted.page.write_text(page(_read(wanted.results)))
    return 1 if any(result.trouble for result in _read(wanted.results)) else 0


def _missing(state: State, names: list[str] | None, results: Path) -> list[Fault]:
    done = {(result.state, result.fault) for result in _read(results)}
    return [
        fault
        for fault in FAULTS
        if (state.name, fault.name) not in done
        and (names is None or any(name in fault.name for name in names))
    ]


def _run_row(state: State, faults: Sequence[Fault], results: Path) -> None:
    """Run cells of one state, in a fresh environment whenever one could not recover."""
    left = list(faults)
    while left:
        _say(f"{state.name}: starting an environment for {len(left)} faults")
        with open_bed(state.after) as bed, Load(bed.site) as load:
            runner = Runner(bed, load, state)
            while left:
                fault = left.pop(0)
                result = _run_cell(runner, state, fault)
                _keep(results, result)
                _say(f"{result.outcome} {result.stall_s} s {result.cause or ''} {result.trouble}")
                if result.trouble:
                    break


def _run_cell(runner: Runner, state: State, fault: Fault) -> Result:
    _say(f"{state.name}: {fault.name}")
    try:
        return runner.run(fault)
    except (SandboxError, RuntimeError, OSError) as error:
        return Result(state=state.name, fault=fault.name, outcome="failed", trouble=(f"{error!r}",))


def _read(results: Path) -> list[Result]:
    if not results.exists():
        return []
    return [msgspec.json.decode(line, type=Result) for line in results.read_bytes().splitlines()]


def _keep(results: Path, result: Result) -> None:
    with results.open("ab") as file:
        file.write(msgspec.json.encode(result) + b"\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{time.monotonic():9.1f}  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
