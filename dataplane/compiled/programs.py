"""The compiled form of the programs that most requests need, if there is one.

`dataplane.building` writes each of them to a module whose name tells of which source: a program
that comes out otherwise, because a schema or a treatment has changed, is never taken for it.
"""

import hashlib
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from dataplane.compiled.loading import FILES
from dataplane.wire.compiler import Program

_PREFIX: Final = "interlock_program_"
_DIGITS: Final = 16


def module_name(program: Program) -> str:
    """Of the module that holds the compiled form: the same for versions that look the same."""
    bound = sorted((name, _told(value)) for name, value in program.bound.items())
    digest = hashlib.sha256(f"{program.source}{bound}".encode())
    return _PREFIX + digest.hexdigest()[:_DIGITS]


def in_its_best_form(program: Program) -> Program:
    """The program, compiled if it can be had so.

    What is compiled takes `bytes`, which all frames are but those that are larger than a read; it
    hands the others to the program as it was.
    """
    name = module_name(program)
    if name not in FILES:
        return program
    module: Any = import_module(name)
    module.interpreted = program.run
    return replace(program, run=module.run)


def _told(value: object) -> str:
    """What a program is bound to, said in the same way in each process."""
    if isinstance(value, frozenset):
        return f"{sorted(value)}"
    module, name = (getattr(value, a, None) for a in ("__module__", "__qualname__"))
    return f"{module}.{name}" if name else f"{value!r}"
