"""An environment of its own for each foreign client, made once and kept in `.interop/`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".interop"
INSTALL_S = 600
OLDEST = (3, 12)


def python_with(package: str) -> list[str]:
    """A Python in a virtual environment that has the package; skips the test where there is none."""
    folder = KEPT / package
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        found = _python()
        if found is None:
            pytest.skip(f"{package} needs Python {'.'.join(map(str, OLDEST))}, and none is found")
        _run([found, "-m", "venv", str(folder)], f"{package} can't be installed")
        _run([str(python), "-m", "pip", "install", "--quiet", package], f"{package} can't be installed")
        (folder / "done").touch()
    return [str(python)]


def node_with(package: str) -> tuple[list[str], Path]:
    """Node, and the folder in which it finds the package; skips the test where there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not found")
    folder = KEPT / "node"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / package).is_dir():
        _run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", package],
            f"{package} can't be installed",
            folder,
        )
    return [node], folder


def _python() -> str | None:
    names = [f"python3.{minor}" for minor in range(OLDEST[1], OLDEST[1] + 4)]
    known = [path for name in names if (path := shutil.which(name)) is not None]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    known += [str(path) for path in sorted(versions.glob("3.*/bin/python"))]
    for path in known:
        asked = subprocess.run(
            [path, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST})"],
            capture_output=True,
            check=False,
        )
        if asked.returncode == 0:
            return path
    return None


def _run(command: Sequence[str], what: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        pytest.skip(f"{what}: {said[-1] if said else done.returncode}")
