from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tui
from tui.actions import BY_KEY_ALONE, PANES
from tui.layout import LEAST, Shape, arrange, shape_of

_SIZES = {"width": st.integers(1, 320), "height": st.integers(1, 120)}


@given(**_SIZES, zoomed=st.sampled_from(["", *PANES]), swapped=st.booleans(), books=st.integers(1, 12))
@example(width=60, height=20, zoomed="", swapped=False, books=2)
@example(width=110, height=20, zoomed="", swapped=False, books=2)
@example(width=110, height=36, zoomed="", swapped=False, books=9)
def test_nothing_overlaps_nothing_leaves_the_screen(
    width: int, height: int, zoomed: str, swapped: bool, books: int
) -> None:
    places = arrange(width, height, zoomed, swapped, books)
    taken: set[tuple[int, int]] = set()
    for rect in places.values():
        assert rect.width > 0
        assert rect.height > 0
        cells = {
            (x, y) for x in (rect.x, rect.x + rect.width - 1) for y in range(rect.y, rect.y + rect.height)
        }
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.width <= width
        assert rect.y + rect.height <= height
        assert not cells & taken
        taken |= cells


@example(width=170, height=50, books=3)
@example(width=60, height=40, books=12)
@given(width=st.integers(LEAST[0], 320), height=st.integers(LEAST[1], 120), books=st.integers(1, 12))
def test_every_usable_screen_is_full_and_has_what_must_be_known(width: int, height: int, books: int) -> None:
    places = arrange(width, height, books=books)
    assert bool({"books", "book-strip"} & set(places)) is (books > 1)
    assert {"status", "safety", "keys", "chart", "positions"} <= set(places)
    assert {"alerts", "alert-line"} & set(places)
    assert {"log", "log-line"} & set(places)
    assert sum(rect.width * rect.height for rect in places.values()) == width * height
    for name, rect in places.items():
        if name in PANES:
            assert rect.height >= 5
            assert rect.width >= 40


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((59, 24), Shape.TINY),
        ((80, 19), Shape.TINY),
        ((80, 24), Shape.SMALL),
        ((100, 50), Shape.TALL),
        ((140, 30), Shape.FLAT),
        ((120, 40), Shape.MEDIUM),
        ((200, 60), Shape.LARGE),
    ],
)
def test_shapes(size: tuple[int, int], shape: Shape) -> None:
    assert shape_of(*size) is shape


def test_a_key_swaps_chart_and_alignment_on_a_small_screen() -> None:
    assert "alignment" not in arrange(80, 24)
    swapped = arrange(80, 24, swapped=True)
    assert "chart" not in swapped
    assert swapped["alignment"] == arrange(80, 24)["chart"]


def test_a_large_screen_shows_all_panes() -> None:
    assert set(PANES) - BY_KEY_ALONE <= set(arrange(200, 60, books=2))


def test_the_rows_of_a_pane_are_found_by_its_name() -> None:
    room = Path(tui.__file__).parent
    panes = {path.name for path in (room / "panes").glob("*.py")} - {"base.py"}
    assert panes <= {path.name for path in (room / "rows").glob("*.py")}
