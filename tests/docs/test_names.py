"""No class of the product shares its name with another, no file is too long, and every room is on the map."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "adapters", "tui", "themes", "tstream")


def test_no_class_name_stands_for_two_things() -> None:
    stands = defaultdict(list)
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for name in re.findall(r"^class ([A-Za-z]\w*)", file.read_text(encoding="utf-8"), re.MULTILINE):
                stands[name].append(str(file.relative_to(ROOT)))
    assert len(stands) > 500
    assert {name: files for name, files in stands.items() if len(files) > 1} == {}


def test_no_file_is_too_long_to_be_read_in_one_sitting() -> None:
    lines = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
    }
    assert len(lines) > 500
    assert {file: count for file, count in lines.items() if count > 400} == {}
    assert lines["engine/core.py"] <= 250, "it says which part hears which event, and little else"


def test_every_room_is_on_the_map() -> None:
    """docs/architecture.md names each folder of engine and adapters, and none that is gone."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `((?:engine|adapters)/\w+)` \|", page, re.MULTILINE))
    rooms = {
        f"{room}/{file.parent.name}" for room in ROOMS[:2] for file in (ROOT / room).glob("*/__init__.py")
    }
    assert named == rooms
