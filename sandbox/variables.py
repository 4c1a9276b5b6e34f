"""Environment variables for child processes: this process's, without those that would mislead."""

import os


def inherited_without(*prefixes: str) -> dict[str, str]:
    """The present environment without variables whose names begin with one of the prefixes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
