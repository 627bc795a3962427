"""docs/indicators.md names every entry and exit that there is."""

from __future__ import annotations

import re
from typing import get_args

from engine.strategies.indicators.entries import AnyEntry
from engine.strategies.indicators.exits import AnyExit
from tests.docs.pages import DOCS, text


def test_the_page_lists_every_entry_and_exit() -> None:
    tags = {str(kind.__struct_config__.tag) for union in (AnyEntry, AnyExit) for kind in get_args(union)}
    rows = set(re.findall(r"^\| `(\w+)` \| ", text(DOCS / "indicators.md"), re.MULTILINE))
    assert len(tags) == 9  # rsi_bb is an entry and an exit
    assert tags <= rows
