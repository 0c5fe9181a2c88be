"""What users may rely on: sorted public names that exist, and a start that loads nothing heavy."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import grammar
import pasta_toolkit
import reference_engine
import simulator

HEAVY = ("torch", "transformers", "matplotlib", "networkx", "pyarrow")
DISTRIBUTION = (grammar, pasta_toolkit, reference_engine, simulator)
PACKAGES = sorted(
    {package.__name__ for package in DISTRIBUTION}
    | {
        module.name
        for package in DISTRIBUTION
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.ispkg
    }
)
MODULES = sorted(
    module.name
    for package in DISTRIBUTION
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


def public_names(name: str) -> list[str]:
    return list(getattr(importlib.import_module(name), "__all__", []))


def defines_or_imports_something(name: str) -> bool:
    source = Path(importlib.import_module(name).__file__)
    statements = ast.parse(source.read_text(encoding="utf-8")).body
    return any(not isinstance(statement, ast.Expr) for statement in statements)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_that_offers_something_says_what(package):
    assert public_names(package) or not defines_or_imports_something(package)


def constants_then_classes_then_the_rest(name: str) -> tuple[bool, bool, str]:
    """Sort as ruff's RUF022 does."""
    return not (name.isupper() and len(name) > 1), not name[0].isupper(), name


@pytest.mark.parametrize("module", [*PACKAGES, *(name for name in MODULES if name not in PACKAGES)])
def test_public_names_are_sorted_unique_and_exist(module):
    names = public_names(module)
    assert names == sorted(set(names), key=constants_then_classes_then_the_rest)
    for name in names:
        assert hasattr(importlib.import_module(module), name), name


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_have_docstrings(package):
    module = importlib.import_module(package)
    assert module.__doc__
    for name in public_names(package):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(inspect.unwrap(value)):
            assert value.__doc__, name


REPORT = f"""
import atexit, sys
heavy = {HEAVY!r}
atexit.register(lambda: print("heavy:", *(name for name in heavy if name in sys.modules), file=sys.stderr))
"""


def heavy_modules_after(program: str, *arguments: str) -> list[str]:
    """Run a program in a fresh interpreter and name the heavy modules that it has loaded at its end."""
    command = [sys.executable, "-c", REPORT + program, *arguments]
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stderr.splitlines()[-1].split()[1:]


PASTA = "from pasta_toolkit.cli import main\nmain()"


def test_importing_the_toolkit_loads_nothing_heavy():
    assert heavy_modules_after("import pasta_toolkit") == []


def test_importing_the_light_rooms_loads_nothing_heavy():
    rooms = "grammar, pasta_toolkit.diagnostics, pasta_toolkit.records, pasta_toolkit.dag, pasta_toolkit.annotate"
    assert heavy_modules_after(f"import {rooms}") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["validate", "--help"]])
def test_asking_the_program_for_help_loads_nothing_heavy(arguments):
    assert heavy_modules_after(PASTA, *arguments) == []


def test_the_search_for_heavy_modules_finds_them():
    assert heavy_modules_after("import networkx") == ["networkx"]


def test_validating_a_file_loads_nothing_heavy(tmp_path):
    path = tmp_path / "answer.txt"
    promise = '<promise topic="{}" tokens="10"/><async>a</async>'
    path.write_text(f"{promise.format('one')}{promise.format('two')}<sync/>", encoding="utf-8")
    assert heavy_modules_after(PASTA, "validate", str(path)) == []
