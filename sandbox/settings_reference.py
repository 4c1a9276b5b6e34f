"""Writes `docs/configuration.md` from the settings classes: `python -m sandbox.settings_reference`.

Here because nothing else may know both planes.
"""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from controlplane.settings import Settings
from dataplane.settings import GatewaySettings
from mirrormaker.settings import MirrorMakerSettings

PAGE = Path("docs/configuration.md")

_INTRODUCTION = """\
# Configuration

Everything is configured by environment variables. Names that begin with GATEWAY_ or KAFKA_ are the
incumbent's, with its meaning and its default; names that begin with INTERLOCK_ are ours. A value
that cannot be used ends the process at its start with one line that names the variable.

This page is made from the settings classes (`python -m sandbox.settings_reference`); a test fails
when it is out of date. The clusters file that GATEWAY_BACKEND_KAFKA_SELECTOR names is described in
`contract/clusters_file.py`.
"""


def page() -> str:
    """The whole page."""
    parts = [
        _INTRODUCTION,
        *_section("Control plane", "interlock controlplane", Settings),
        *_section("Gateway node", "interlock gateway", GatewaySettings),
        *_section("Mirror", "interlock mirrormaker", MirrorMakerSettings),
    ]
    return "\n".join(parts) + "\n"


def _section(title: str, command: str, settings: type[BaseSettings]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"`{command}`, settings in `{settings.__module__.replace('.', '/')}.py`.\n"
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    said = meanings(settings)
    for name, field in settings.model_fields.items():
        meaning = " ".join(said.get(name, "").split())
        yield f"| {_variables(name, field)} | {_default(field)} | {meaning}{_choices(field)} |"
    yield ""


def meanings(settings: type[BaseSettings]) -> dict[str, str]:
    """What stands below each field in the source, by the field's name.

    Pydantic can read that as well (`use_attribute_docstrings`), but at each start of each process.
    """
    source = ast.parse(inspect.getsource(settings))
    body = next(node.body for node in ast.walk(source) if isinstance(node, ast.ClassDef))
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _variables(name: str, field: FieldInfo) -> str:
    match field.validation_alias:
        case AliasChoices(choices=choices):
            names = [str(choice) for choice in choices]
        case str() as alias:
            names = [alias]
        case _:
            names = [name.upper()]
    return " or ".join(f"`{variable}`" for variable in names)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "this machine's host name"
    match field.default:
        case value if value is PydanticUndefined:
            return "none: must be set"
        case None:
            return "-"
        case SecretStr() as secret:
            return f"`{secret.get_secret_value()}`"
        case value:
            return f"`{value}`"


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal:
        return ""
    return " One of " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation)) + "."


if __name__ == "__main__":
    PAGE.write_text(page())
