"""The command line, against the control plane of a test."""

import asyncio
import sys

import pytest


@pytest.fixture
def interlock():
    """Runs a command; its exit code, output and errors."""

    async def command(plane, *words: str):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "interlock",
            *words,
            env={"INTERLOCK_URL": plane.url, "INTERLOCK_PASSWORD": "conduktor"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()

    return command
