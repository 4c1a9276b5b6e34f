"""What it costs a node at its start to generate the programs of all messages."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from dataplane.virtual import programs

ROUNDS = 5


def generate() -> dict[str, float]:
    """In this process: processor seconds, and MiB that were not there before."""
    before, began = resident_mib(), time.process_time()
    programs.compile_all()
    made = programs.program.cache_info().currsize
    return {
        "programs": made,
        "seconds": time.process_time() - began,
        "mib": resident_mib() - before,
    }


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def program_section() -> list[str]:
    """Each round in a process of its own, as a node would."""
    rounds = [
        json.loads(subprocess.check_output([sys.executable, __file__], text=True))
        for _ in range(ROUNDS)
    ]
    worst = {name: max(one[name] for one in rounds) for name in rounds[0]}
    count, seconds, mib = worst["programs"], worst["seconds"], worst["mib"]
    cost = f"{seconds:.2f} s of processor time, {mib:.0f} MiB"
    return [f"{count:.0f} programs, most of {ROUNDS} starts: {cost}."]


if __name__ == "__main__":
    print(json.dumps(generate()))
