from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tui.layout import Arrangement, arrange
from tui.layout_changes import charts_on_top, neighbours, resized, with_second_chart
from tui.remembered import Choices, Remembered, SavedLayout

SIZES = [(60, 20), (80, 24), (100, 50), (120, 32), (120, 40), (160, 60), (200, 60), (300, 50)]


def cells(places: Arrangement) -> int:
    return sum(at.width * at.height for at in places.values())


def covered(places: Arrangement) -> set[tuple[int, int]]:
    return {
        (x, y)
        for at in places.values()
        for x in range(at.x, at.x + at.width)
        for y in range(at.y, at.y + at.height)
    }


@pytest.mark.parametrize(("size", "books"), itertools.product(SIZES, (1, 4)))
def test_every_change_fills_the_screen_exactly(size: tuple[int, int], books: int) -> None:
    plain = arrange(*size, books=books)
    for places in (
        charts_on_top(plain, *size),
        with_second_chart(plain),
        with_second_chart(charts_on_top(plain, *size)),
        resized(plain, {"chart": 3, "positions": -2, "alerts": 50, "pnl": -50, "log": 1, "nothing": 1}),
    ):
        assert cells(places) == size[0] * size[1]
        assert len(covered(places)) == size[0] * size[1], "nothing lies upon anything"
        assert all(at.height >= 1 and at.width >= 10 for at in places.values())


def test_two_charts_stand_beside_each_other_where_that_leaves_both_broad_enough() -> None:
    wide, narrow = with_second_chart(arrange(200, 60, "chart")), with_second_chart(arrange(100, 50, "chart"))
    assert wide["chart"].y == wide["chart-2"].y
    assert narrow["chart"].x == narrow["chart-2"].x
    assert "chart-2" not in with_second_chart(arrange(80, 24)), "there is no room"


def test_a_pane_takes_rows_from_the_one_below_or_else_above() -> None:
    plain = arrange(120, 40)
    assert neighbours(plain, "chart") == ("orders", True)
    assert neighbours(plain, "log") == ("pnl", False)
    assert neighbours(arrange(120, 40, "chart"), "chart") is None
    grown = resized(plain, {"chart": 2})
    assert (grown["chart"].height, grown["orders"].height) == (
        plain["chart"].height + 2,
        plain["orders"].height - 2,
    )
    assert resized(plain, {"chart": 99})["orders"].height == 4


def test_choices_are_kept_and_what_can_not_be_read_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "cockpit.json"
    first = Remembered(file)
    first.change(overlays_off=("z", "b"), layout=SavedLayout("charts", "contract", {"chart": 2}))
    assert first.keep_layout(" my  day ")
    assert not first.keep_layout("")
    assert not first.keep_layout("\x1b[2J")
    again = Remembered(file)
    assert again.choices == first.choices
    assert again.choices.layouts["my  day"].second == "contract"
    again.forget_layout("my  day")
    assert (again.choices.layouts, again.choices.name) == ({}, "")
    file.write_text('{"overlays_off": 3}', encoding="utf-8")
    broken = Remembered(file)
    assert broken.choices == Choices()
    assert "can't be read" in broken.problem
    gone = Remembered(tmp_path / "absent" / "cockpit.json")
    gone.change(overlays_off=("z",))
    assert "can't be written" in gone.problem
