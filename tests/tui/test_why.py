"""Why a signal was traded or not, as text."""

from __future__ import annotations

import pytest

from tests.tui.signals import signals
from tui import clock_times as times
from tui.rows.why import all_rows, why_rows
from tui.styled_text import width_of


def chicago(ts: int) -> str:
    return times.clock(ts, "America/Chicago")


def told(index: int, width: int = 100) -> str:
    rows = why_rows(signals()[index], chicago, width)
    return "\n".join("".join(text for text, _ in row) for row in rows)


def test_an_entry_is_a_chain_from_the_pattern_to_its_orders() -> None:
    text = told(2)
    order = [
        "entered long MNQ 7.4", "seen     block held 5m ▲ at 21021.25", "score    7.4 = 1m +1.20 (15 % × 80)",
        "learned +0.40 of 41 outcomes, +0.20 R", "asked 1  ✓ score 7.4, at least 5",
        "asked 5  ✓ timeframes against it 0, at most 0", "why      OB 21021.25 5m", "size     2 contracts",
        "entry: buy 2 market: filled", "stop: sell 2 stop at 21015.25: working",
    ]  # fmt: skip
    places = [" ".join(text.split()).find(" ".join(words.split())) for words in order]
    assert -1 not in places
    assert places == sorted(places)


def test_a_near_miss_names_the_requirement_and_a_refusal_the_gate() -> None:
    assert "asked 2  ✗ timeframes that agree 2, at least 3" in told(0)
    assert "why not  2 of 5 timeframes (requirement 2)" in told(0)
    assert "gate     a trade is already open in this contract" in told(1)


@pytest.mark.parametrize("width", [40, 78, 118])
def test_it_keeps_to_the_width_and_has_the_newest_on_top(width: int) -> None:
    rows = all_rows(signals(), chicago, width)
    assert all(width_of(row) <= max(width, 60) for row in rows)
    heads = ["".join(text for text, _ in row) for row in rows]
    marks = [line for line in heads if "◆" in line or "⊘" in line]
    assert [("entered" in line, "declined" in line) for line in marks] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert "no signal yet" in all_rows((), chicago, width)[0][0][0]
