"""Every module imports only from the floors under its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pspy_dask

ROOT = Path(pspy_dask.__file__).parent

FLOORS = {
    "types": 0,
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
NEVER = {
    "kernels": {"dask", "distributed", "xarray", "zarr", "tifffile", "pandas"},
    "blocks": {"zarr", "tifffile", "skimage", "scipy"},
    "segmentation": {"zarr", "tifffile", "distributed"},
    "particles": {"zarr", "tifffile", "distributed"},
    "pixels": {"zarr", "tifffile", "distributed"},
}
MODULES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def imports(path):
    """Return the full names that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name):
    """Return the part of the package that a full name belongs to, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pspy_dask" and len(parts) > 1 else None


def complaints(path, here):
    for name in imports(path):
        there = room(name)
        if there in FLOORS and there != here and FLOORS[there] >= max(1, FLOORS[here]):
            yield f"{path.relative_to(ROOT)} ({here}) imports {name}"
        if name.split(".")[0] in NEVER.get(here, ()):
            yield f"{path.relative_to(ROOT)} ({here}) imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert here in FLOORS, f"{path} stands on no floor"
    assert list(complaints(path, here)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_recipes_never_compute(path):
    here = path.relative_to(ROOT).parts[0]
    calls = [
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("compute", "persist")
    ]
    assert not calls or here in ("io", "run", "cli", "datasets.py")


def test_control_an_import_that_goes_up_is_found(tmp_path):
    bad = ROOT / "kernels" / "runs.py"
    assert not list(complaints(bad, "kernels"))
    text = bad.read_text() + "\nfrom pspy_dask.blocks.grid import Box\nimport dask.array\n"
    copy = tmp_path / "runs.py"
    copy.write_text(text)
    tree = [name for name in imports(copy) if room(name) == "blocks" or name.startswith("dask")]
    assert len(tree) == 3
