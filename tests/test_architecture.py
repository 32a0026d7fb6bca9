"""The packages are the stages of the work, and imports go one way only."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import standoff

ROOT = Path(standoff.__file__).parent

ORDER = [
    ["reading", "text"],
    ["errors", "measured", "names", "printed", "version"],
    ["limits", "passed", "workers"],
    ["expressions", "record"],
    ["scenario", "scenarios"],
    ["game"],
    ["solve", "export"],
    ["replay"],
    ["chain"],
    ["simulate"],
    ["claims"],
    ["explain", "gallery", "worlds"],
    ["verdicts"],
    ["compare", "forecasts", "robust"],
    ["report"],
    ["cli"],
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}


def imports_of(path):
    """Yield the standoff packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "standoff":
            yield node.module.split(".")[1] if "." in node.module else ""
        elif isinstance(node, ast.ImportFrom) and node.level > 0:
            yield "relative"
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] if "." in alias.name else "" for alias in node.names if alias.name.split(".")[0] == "standoff")


MODULES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem in LEVEL)


def package_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_package_has_its_place_in_the_order():
    assert {package_of(path) for path in MODULES} == set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_before_its_package(path):
    own = package_of(path)
    for other in imports_of(path):
        assert other in LEVEL, f"{path.name} imports {other or 'the root of the package'}"
        assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("name", ["standoff.cli", "standoff.game", "standoff.record", "standoff.verdicts.judge"])
def test_an_inner_module_can_be_imported_first(name):
    subprocess.run([sys.executable, "-c", f"import {name}"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("standoff.cli", ["numpy", "numba", "scipy", "pandas", "pydantic"]), ("standoff.game", ["numba", "pandas", "sklearn"]), ("standoff", ["numpy"])],
)
def test_an_import_does_not_load_what_it_does_not_need(module, heavy):
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == ""


@pytest.mark.parametrize("package", ["standoff", *sorted(f"standoff.{name}" for name in LEVEL if (ROOT / name).is_dir())])
def test_all_lists_the_public_names(package):
    module = importlib.import_module(package)
    listed = getattr(module, "__all__", None)
    if listed is None:
        pytest.skip("lists no names")
    if package == "standoff":
        assert sorted(listed) == dir(module)
        assert all(hasattr(module, name) for name in listed)
        return
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(listed) == {name for name in imported if name not in ("annotations",)}
