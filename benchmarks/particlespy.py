"""ParticleSpy in an environment of its own, made when it is asked for."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from platformdirs import user_cache_dir

RELEASE = "particlespy==0.6.3"
_USED = "import particlespy.segptcls"


def interpreter(folder: Path | None = None) -> str:
    """Return the interpreter of an environment that has ParticleSpy; make it where there is none.

    Raises
    ------
    RuntimeError
        It cannot be installed or imported; the last line of the reason is told.
    """
    folder = folder or Path(user_cache_dir("pspy_dask", appauthor=False)) / "particlespy"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    try:
        _run(python, "-c", _USED)
    except RuntimeError:  # or an earlier installation broke off
        _run(python, "-m", "pip", "install", "--quiet", RELEASE)
        _run(python, "-c", _USED)
    return str(python)


def _run(python: Path, *arguments: str) -> None:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason is given"]
        raise RuntimeError(f"ParticleSpy is left out: {lines[-1]}")
