"""The package as others install it: a wheel, in an environment of its own, outside of this tree."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CODE = {".py", ".pyc"}


@dataclass
class Packaged:
    """What it came to."""

    wheel_bytes: int
    data_files: int
    """Files in it that are no code."""
    installed_s: float
    version: str


def package(folder: Path) -> Packaged:
    """Build, look into, install and run it. Raises AssertionError, CalledProcessError."""
    _pip(sys.executable, "wheel", "--no-deps", "-w", str(folder), str(ROOT))
    (wheel,) = folder.glob("tstream-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    data = {
        file.relative_to(ROOT).as_posix()
        for room in rooms["packages"]
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix not in _CODE
    }
    assert data <= inside, f"not in the wheel: {sorted(data - inside)[:5]}"
    strangers = [name for name in inside if name.split("/")[0] in ("tests", "bench", "scripts", "docs")]
    assert not strangers, f"in the wheel: {strangers[:5]}"
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = str(folder / "venv/bin/python")
    _pip(python, "install", "-c", str(ROOT / "constraints.txt"), str(wheel))
    spent = time.monotonic() - began
    home = folder / "home"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TSTREAM_HOME": str(home),
        "LANG": "C.UTF-8",
    }

    def run(*words: str) -> str:
        tstream = str(folder / "venv/bin/tstream")
        done = subprocess.run(
            [tstream, *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    version = run("--version").strip()
    assert "trades " in run("engine", "--for", "20s", "--speed", "20"), "the engine runs"
    assert "journal up to record" in run("backup", "create")
    return Packaged(wheel.stat().st_size, len(data), spent, version)


def _pip(python: str, *words: str) -> None:
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", *words], check=True, cwd="/")
