"""Runs a step's command as the reader would: in a shell, with Kafka's tools on the PATH."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

COMMAND_LIMIT = 90
"""Seconds for one command."""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    code: int


@dataclass(frozen=True)
class Shell:
    """Where commands run."""

    folder: Path
    """Working directory: holds the client's properties file."""
    tools: Path
    """Kafka's command line tools."""

    def run(self, command: str) -> Outcome:
        """Run a command of one line or more in bash."""
        environment = {**os.environ, "PATH": f"{self.tools.resolve()}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT,
            check=False,
        )
        return Outcome(done.stdout, done.stderr, done.returncode)
