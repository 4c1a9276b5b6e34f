import os
import shutil
import subprocess
import sys
from importlib import import_module

import pytest

import dataplane
from dataplane.compiled import loading
from dataplane.compiled.loading import VARIABLE, CompiledFinder, Form
from dataplane.compiled.sources import DIGEST_FILE, MODULES, PLACE, ROOT, digest

HOT = "dataplane.relay.machine"


@pytest.fixture
def noted(tmp_path, monkeypatch):
    """Where the digest of the compiled sources would stand, in a world without the variable."""
    file = tmp_path / "sources.sha256"
    monkeypatch.setattr(loading, "DIGEST_FILE", file)
    monkeypatch.delenv(VARIABLE, raising=False)
    return file


def test_without_compiled_modules_the_sources_are_interpreted(noted):
    assert loading.form() is Form.NOT_COMPILED


def test_what_was_compiled_of_these_sources_is_taken(noted):
    noted.write_text(digest())
    assert loading.form() is Form.COMPILED


def test_what_was_compiled_of_other_sources_is_not(noted):
    noted.write_text("0" * 64)
    assert loading.form() is Form.STALE


def test_nor_is_it_where_somebody_chose_so(noted, monkeypatch):
    noted.write_text(digest())
    monkeypatch.setenv(VARIABLE, "1")
    assert loading.form() is Form.CHOSEN


def test_two_trees_with_one_python_keep_what_is_compiled_apart(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    told = subprocess.run(
        [sys.executable, "-c", "import dataplane; print(dataplane.FORM.name)"],
        env=environment | {PLACE: str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == Form.NOT_COMPILED.name


def test_a_module_that_was_not_compiled_is_left_to_others(tmp_path):
    finder = CompiledFinder({"a.b": tmp_path / "b.so"})
    assert finder.find_spec("a.c") is None
    found = finder.find_spec("a.b")
    assert found is not None
    assert found.origin == str(tmp_path / "b.so")


@pytest.mark.parametrize("name", MODULES)
def test_each_module_is_loaded_in_the_form_that_is_told(name):
    file = import_module(name).__file__
    assert file is not None
    assert file.endswith(".so") is (dataplane.FORM is Form.COMPILED)


@pytest.mark.environment
@pytest.mark.skipif(not DIGEST_FILE.exists(), reason="nothing is compiled here")
def test_whoever_edits_a_source_gets_the_edit(tmp_path):
    for package in ("contract", "dataplane", "upstream"):
        shutil.copytree(ROOT / package, tmp_path / package)
    as_it_was = loaded_from(tmp_path)
    if DIGEST_FILE.read_text() == digest():
        assert as_it_was.endswith(".so")
    source = tmp_path / "dataplane" / "relay" / "machine.py"
    source.write_text(source.read_text() + "\nEDITED = True\n")
    assert loaded_from(tmp_path) == str(source)


@pytest.mark.environment
@pytest.mark.skipif(VARIABLE in os.environ, reason="interpreted by choice")
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_where_there_is_a_compiler_it_is_compiled():
    assert dataplane.FORM is Form.COMPILED, "run `make setup`"


def loaded_from(tree):
    """The file that a hot module is loaded from, with the packages of a tree."""
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", f"import {HOT} as hot; print(hot.__file__)"],
        env=environment | {"PYTHONPATH": str(tree)},
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
