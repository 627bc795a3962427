from __future__ import annotations

import unicodedata
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tui
from engine.model.market import NANOS
from tui import clock_times as times
from tui import number_format as figures
from tui.plain_text import plain
from tui.styled_text import Column, cell, fit, join, table, text_of, width_of, wrap


@given(st.text())
def test_nothing_that_controls_a_terminal_survives(text: str) -> None:
    made = plain(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in made)
    assert not any(
        unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI") for c in made
    )
    assert plain(made) == made


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[red]x[/]", "[red]x[/]"),
        ("a\x1b[2Jb", "a·[2Jb"),
        ("price \u202e05.12", "price ·05.12"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("zero\u200bwidth", "zero·width"),
        ("naïve — ünïcode ▲ 日本", "naïve — ünïcode ▲ 日本"),
    ],
)
def test_outside_text_stays_readable(given: str, shown: str) -> None:
    assert plain(given) == shown


@given(
    st.text(st.characters(exclude_categories=["C"]), max_size=60), st.integers(1, 80), st.sampled_from("<>")
)
def test_a_fitted_row_has_exactly_its_width(text: str, width: int, align: str) -> None:
    row = (("▲ ", "gain"), (plain(text), "text"), ("!", "dim"))
    assert width_of(fit(row, width, align)) == width


@given(st.text(st.characters(exclude_categories=["C"]), max_size=120), st.integers(2, 60))
def test_wrapping_keeps_every_character_and_the_width(text: str, width: int) -> None:
    lines = wrap(plain(text), width)
    assert "".join(lines).replace(" ", "") == plain(text).replace(" ", "")
    assert all(width_of(cell(line)) <= width for line in lines)


@given(
    st.lists(st.lists(st.text("0123456789.−", max_size=12), min_size=4, max_size=4), max_size=5),
    st.integers(24, 120),
)
def test_a_table_has_its_width_and_never_drops_rank_zero(cells: list[list[str]], width: int) -> None:
    columns = (Column("name", "<"), Column("price", rank=2), Column("pnl", rank=1), Column("book", rank=9))
    head, rows = table(columns, [[cell(text) for text in record] for record in cells], width)
    assert all(width_of(row) == width for row in (head, *rows))
    assert "name" in text_of(head)
    if "book" in text_of(head):
        assert "price" in text_of(head)


def test_columns_are_dropped_by_importance() -> None:
    columns = (Column("name", "<"), Column("price", rank=2), Column("pnl", rank=1))
    record = [cell("MNQZ6"), cell("21034.25"), cell("+22.00")]
    assert "price" in text_of(table(columns, [record], 40)[0])
    assert "price" not in text_of(table(columns, [record], 16)[0])
    assert "pnl" in text_of(table(columns, [record], 16)[0])


def test_join_leaves_no_gap_for_what_is_empty() -> None:
    assert text_of(join([cell("a"), (), cell("b")], (" | ", "dim"))) == "a | b"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (Decimal("1184.2"), 2, "+1,184.20"),
        (Decimal("-61"), 2, "−61.00"),
        (Decimal("0"), 2, "0.00"),
        (Decimal("-0.001"), 2, "0.00"),
        (None, 2, "—"),
        (-2, 0, "−2"),
    ],
)
def test_signed(value: Decimal | int | None, decimals: int, text: str) -> None:
    assert figures.signed(value, decimals) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (99, "99s"), (100, "2m"), (5_969, "99m"), (7_200, "2h")],
)
def test_age(seconds: float, text: str) -> None:
    assert figures.age(int(seconds * NANOS)) == text


def test_unknown_is_never_a_zero() -> None:
    assert figures.age(None) == figures.price(None, 2) == figures.usd(None) == "—"


@given(st.floats(-1, 2), st.integers(1, 40))
def test_a_gauge_fills_its_width(share: float, width: int) -> None:
    filled, empty = figures.gauge(share, width)
    assert len(filled) + len(empty) == width
    assert share < 1 or not empty
    assert share > 0 or not filled


@given(st.floats(-1, 2), st.integers(1, 40))
def test_a_gauge_of_what_is_used_is_full_only_when_nothing_is_left(share: float, width: int) -> None:
    filled, empty = figures.gauge_used(share, width)
    assert len(filled) + len(empty) == width
    assert (filled == "━" * width) is (share >= 1)
    assert bool(filled) is (share > 0)


def test_a_spark_line_is_lowest_and_highest_where_the_values_are() -> None:
    assert figures.spark([5, 1, 3], 4) == " █▁▄"
    assert figures.spark([], 3) == "   "
    assert figures.spark([7, 7], 2) == "▄▄"


def test_times_are_those_of_the_zone_in_summer_and_winter() -> None:
    assert times.clock(1_791_988_937 * NANOS, "America/Chicago") == "09:42:17"
    assert times.clock(1_791_988_937 * NANOS, "UTC") == "14:42:17"
    assert times.hour_minute(1_797_262_200 * NANOS, "America/Chicago") == "09:30"  # 14 December


def test_what_is_kept_as_text_is_bounded() -> None:
    """Numbers and times of a day are thousands: of them only what a screen shows is kept."""
    rows = [import_module(f"tui.{one.stem}") for one in Path(tui.__file__).parent.glob("*.py")]
    rows += [import_module(f"tui.rows.{one.stem}") for one in Path(tui.__file__).parent.glob("rows/*.py")]
    kept = {
        what: vars(found)["cache_parameters"]()["maxsize"]
        for module in rows
        for what, found in vars(module).items()
        if "cache_parameters" in getattr(found, "__dict__", ())
    }
    assert {"price", "signed", "_minute"} <= kept.keys()
    assert {what: most for what, most in kept.items() if most is None or most > 1_024} == {}
