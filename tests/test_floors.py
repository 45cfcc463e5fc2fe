"""Every module imports only from the floors under its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pspy_dask

ROOT = Path(pspy_dask.__file__).parent

FLOORS = {
    "parameter_files": 0,
    "parameters": 0,
    "feature_parameters": 0,
    "pixel_parameters": 0,
    "kernels": 0,
    "blocks": 1,
    "datasets": 2,
    "segmentation": 2,
    "pixels": 2,
    "particles": 2,
    "io": 3,
    "run": 4,
    "cli": 5,
    "command": 6,
    "ui": 5,
    "api": 5,
}
TO_COME = {"ui"}  # the Segmentation User Interface
HELD_BY = {"threadpoolctl": "blocks/one_thread.py"}  # the only file that imports it
FIGURES = ("particles/plots.py",)  # a figure holds numbers: there is no lazy one
NEVER = {
    "kernels": {"dask", "distributed", "xarray", "zarr", "tifffile", "pandas"},
    "blocks": {"zarr", "tifffile", "skimage", "scipy"},
    "segmentation": {"zarr", "tifffile", "distributed"},
    "particles": {"zarr", "tifffile", "distributed"},
    "pixels": {"zarr", "tifffile", "distributed"},
}
MODULES = sorted(
    p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py"
)


def imports(text):
    """Return the full names that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name):
    """Return the part of the package that a full name belongs to, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pspy_dask" and len(parts) > 1 else None


def floor_of(name):
    """Return the part of the package in which a file lies."""
    return name.split("/")[0].removesuffix(".py")


def complaints(text, name):
    """Yield what is wrong with the imports of a module, of which this is the text."""
    here = floor_of(name)
    for imported in imports(text):
        there, library = room(imported), imported.split(".")[0]
        upwards = there in FLOORS and there != here and FLOORS[there] >= max(1, FLOORS[here])
        foreign = library in NEVER.get(here, ()) or HELD_BY.get(library, name) != name
        if upwards or foreign:
            yield f"{name} imports {imported}"


def computing(text):
    """Return the calls of a module that compute what is lazy."""
    return [
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr in ("compute", "persist")
    ]


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name):
    assert floor_of(name) in FLOORS, f"{name} stands on no floor"
    assert list(complaints((ROOT / name).read_text(), name)) == []


@pytest.mark.parametrize("name", MODULES)
def test_recipes_never_compute(name):
    allowed = floor_of(name) in ("io", "run", "cli", "datasets") or name in FIGURES
    assert allowed or not computing((ROOT / name).read_text())


def test_every_floor_is_there():
    assert {floor_of(name) for name in MODULES} == set(FLOORS) - TO_COME


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("kernels/runs.py", "from pspy_dask.blocks.grid import Box", 2),  # the module and the name
        ("kernels/runs.py", "import dask.array as da", 1),
        ("blocks/tree.py", "import pspy_dask.segmentation.labels", 1),
        ("pixels/stack.py", "def f():\n    import pspy_dask.particles.rows", 1),  # a sibling
        ("particles/grouping.py", "import threadpoolctl", 1),
        ("blocks/one_thread.py", "import threadpoolctl", 0),
        ("io/tables.py", "import pspy_dask.blocks.grid", 0),
    ],
)
def test_control_an_import_that_goes_up_is_found(name, line, found):
    text = (ROOT / name).read_text()
    assert list(complaints(text, name)) == []
    assert len(list(complaints(f"{text}\n{line}\n", name))) == found


def test_control_a_recipe_that_computes_is_found():
    text = (ROOT / "segmentation/recipe.py").read_text()
    assert computing(text) == []
    assert computing(text + "\nx = image.persist().compute()\n") == ["compute", "persist"]
