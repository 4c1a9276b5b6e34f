"""A name says one thing: no class of a plane is called like another one of it."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("plane", ["contract", "controlplane", "dataplane"])
def test_no_class_name_stands_twice(plane):
    places = defaultdict(list)
    for file in sorted((ROOT / plane).rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
