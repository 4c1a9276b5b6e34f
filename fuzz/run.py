"""Fuzzes for a while and writes `docs/fuzzing.md`: `python -m fuzz.run --seconds 1800`."""

import argparse
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path("docs/fuzzing.md")
SLOWEST_S: Final = 10
"""Seconds after which an input counts as a hang."""
MOST_MIB: Final = 1024
"""Memory at which the process is stopped."""
_STATUS: Final = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+).*? rss: (\d+)Mb")
_TARGETS: Final = re.compile(r"targets: (\d+)")


class Outcome(NamedTuple):
    """How a run ended."""

    targets: int
    inputs: int
    covered: int
    features: int
    resident_mib: int
    finding: str | None
    """The end of what the process printed, if it stopped at an input."""


def fuzz(seconds: int, corpus: Path) -> Outcome:
    """Run libFuzzer until the time is over or something is found."""
    command = [
        sys.executable,
        *("-m", "fuzz.target", str(corpus)),
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MIB}",
        "-max_len=4096",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus.parent}/",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    status = _STATUS.findall(printed)
    if not status:
        raise SystemExit(f"the fuzzer did not start:\n{printed[-2000:]}")
    _, covered, features, _ = map(int, status[-1])
    total = re.search(r"stat::number_of_executed_units:\s*(\d+)", printed)
    return Outcome(
        targets=int(_TARGETS.findall(printed)[0]),
        inputs=int(total[1]) if total else int(status[-1][0]),
        covered=covered,
        features=features,
        resident_mib=max(int(line[3]) for line in status),
        finding=None if done.returncode == 0 else _finding(printed),
    )


def _finding(printed: str) -> str:
    """What happened, and the input as base64: the exception is printed long before the end."""
    at = printed.find("Uncaught Python exception")
    return printed[at : at + 3000] + printed[-1500:] if at >= 0 else printed[-4500:]


def page(outcome: Outcome, seconds: int) -> str:
    """The page in Markdown."""
    found = "none" if outcome.finding is None else "one, see below"
    lines = [
        "# Fuzzing",
        "",
        "Made by `make fuzz SECONDS=1800`; do not edit it. A coverage-guided fuzzer (atheris, that",
        "is libFuzzer) feeds the program of every message that is served, what the gateway decodes",
        "itself, and what the control plane reads in log-ins, of nodes, of the control topic and",
        "of the mirror, with mutations of valid ones. A finding is an exception that is not",
        f"documented, an input that takes more than {SLOWEST_S} s, memory above {MOST_MIB} MiB,",
        "or an output larger than the input explains. What arrives over sockets is tested in",
        "`tests/dataplane/gateway/test_hostile_peers.py`.",
        "",
        "| | |",
        "|---|---|",
        f"| date | {datetime.now(UTC):%Y-%m-%d} |",
        f"| time | {seconds} s on one core |",
        f"| targets | {outcome.targets} |",
        f"| inputs | {outcome.inputs:,} |",
        f"| branches covered, features | {outcome.covered:,}, {outcome.features:,} |",
        f"| largest memory | {outcome.resident_mib} MiB |",
        f"| findings | {found} |",
        "",
    ]
    if outcome.finding is not None:
        lines += ["```", outcome.finding, "```", ""]
    return "\n".join(lines)


def main() -> None:
    """Fuzz and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        outcome = fuzz(seconds, Path(folder) / "corpus")
    PAGE.write_text(page(outcome, seconds), encoding="utf-8")
    if outcome.finding is not None:
        raise SystemExit(f"a finding, see the end of {PAGE}:\n{outcome.finding}")
    print(f"{outcome.inputs:,} inputs, no findings; wrote {PAGE}")


if __name__ == "__main__":
    main()
