"""One word, one meaning: no public class of the product shares its name with another."""

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
