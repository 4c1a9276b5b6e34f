"""What is wrong with the environment that a process was started with, for who started it."""

import pydantic
from pydantic_core import ErrorDetails


def complaints(error: pydantic.ValidationError) -> str:
    """A line for each variable, or for some of them together; none shows a value that is secret."""
    return "\n".join(f"interlock: {_complaint(one)}" for one in error.errors())


def _complaint(error: ErrorDetails) -> str:
    variable = ".".join(str(part) for part in error["loc"]).upper()
    message = error["msg"].removeprefix("Value error, ")
    return f"{variable}: {message}" if variable else message
