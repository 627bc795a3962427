"""Equity by time: spans, sums and curves as rows; and the page on the screen."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.model.equity import EquityDay, EquityHistory
from engine.model.market import MINUTE
from engine.model.view import EquityPoint
from tests.tui import fake
from tests.tui.cockpit import Cockpit, grid_text, running
from tui.rows.equity import SpanOfTime, curve_of, curve_rows, figures_row, together
from tui.screens.equity import EquityScreen
from tui.styled_text import text_of, width_of
from tui.widgets.grid import LiveGrid

DAY = 24 * 60 * MINUTE


def usd(*values: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, values))


def day(n: int, net: int, high: int, low: int, fall: int, *points: tuple[int, int]) -> EquityDay:
    told = tuple(EquityPoint(n * DAY + minute * MINUTE, Decimal(value)) for minute, value in points)
    amounts = (Decimal(net), Decimal(high), Decimal(low), Decimal(fall))
    return EquityDay(f"2026-10-{n:02d}", (n + 1) * DAY, *amounts, told)


HISTORY = EquityHistory(
    "a",
    (
        *(day(n, 100, 150, -20, 60) for n in range(1, 9)),
        day(9, -200, 50, -260, 300, (0, 0), (600, -250), (1440, -200)),
        day(10, 40, 90, -30, 80, (0, 0), (60, 90), (90, 40)),
    ),
)


def test_each_day_of_a_span_goes_on_where_the_one_before_ended() -> None:
    found = {span: curve_of(HISTORY, span) for span in SpanOfTime}
    assert [(c.now, c.high, c.low, c.fall) for c in found.values()] == [
        usd(40, 90, -30, 80),
        usd(340, 550, -20, 310),
        usd(640, 850, -20, 310),
    ]
    assert [c.below for c in found.values()] == [*usd(50, 210, 210)]
    assert len(found[SpanOfTime.DAY].points) == 4, "the last is now"
    assert [p.usd for p in found[SpanOfTime.WEEK].points] == [
        *usd(100, 200, 300, 400, 500, 500, 250, 300, 300, 390, 340, 340)
    ]
    assert curve_of(EquityHistory("b", ()), SpanOfTime.ALL).now == 0


def test_several_books_together_are_what_all_had_come_to_at_each_time() -> None:
    one = curve_of(EquityHistory("a", (day(1, 30, 40, 0, 10, (0, 0), (20, 40)),)), SpanOfTime.DAY)
    other = curve_of(EquityHistory("b", (day(1, -5, 0, -10, 10, (10, -10)),)), SpanOfTime.DAY)
    both = together([one, other])
    assert [p.usd for p in both.points] == [*usd(0, -10, 30, 20, 25)]
    assert (both.high, both.low, both.fall) == usd(30, -10, 10)
    assert together([one]) is one


@pytest.mark.parametrize(("width", "height"), [(24, 3), (60, 12), (150, 40), (23, 9), (60, 2)])
def test_a_curve_fills_its_place_with_scale_and_times(width: int, height: int) -> None:
    points = curve_of(HISTORY, SpanOfTime.ALL).points
    rows = curve_rows(points, width, height, lambda ts: f"d{ts // DAY}")
    if width < 24 or height < 3:
        assert rows == []
        return
    assert len(rows) == height
    assert {width_of(row) for row in rows} == {width}
    text = [text_of(row) for row in rows]
    assert text[0].endswith("+800")
    assert text[-1].startswith("d2")
    assert text[-1].split()[-1] == "d11"
    if height >= 12:
        assert "loss" not in {style for row in rows for _, style in row}, "it was never below zero"
        assert any(style == "gain" for _, style in rows[2])


def test_a_curve_below_zero_is_a_loss_and_zero_has_its_line() -> None:
    points = [EquityPoint(i * MINUTE, Decimal(value)) for i, value in enumerate((0, 50, -50, -20))]
    rows = curve_rows(points, 40, 9, lambda _: "t")
    styles = [{style for text, style in row[:-1] if text.strip()} for row in rows[:-1]]
    assert "gain" in styles[0]
    assert "loss" in styles[-1]
    assert any("┈" in text_of(row) and text_of(row).endswith(" 0") for row in rows)
    assert curve_rows(points[:1], 40, 9, lambda _: "t") == []


def test_figures_give_way_from_the_end() -> None:
    curve = curve_of(HISTORY, SpanOfTime.DAY)
    wide, narrow = text_of(figures_row(curve, 100)), text_of(figures_row(curve, 40))
    assert wide.split("   ")[:5] == [
        "now +40.00",
        "high +90.00",
        "low −30.00",
        "below high −50.00",
        "deepest fall −80.00",
    ]
    assert narrow.startswith("now +40.00   high +90.00   low")


async def test_the_page_shows_day_week_and_all_for_the_picked_books() -> None:
    cockpit = Cockpit(fake.two_books())

    def page() -> str:
        screen = cockpit.app.screen
        assert isinstance(screen, EquityScreen)
        return grid_text(screen.query_one(LiveGrid))

    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "E")
        assert "[day]" in page()
        told = page()
        await cockpit.press(pilot, "w")
        assert "[week]" in page()
        assert "14 Oct" in page()
        await cockpit.press(pilot, "a")
        assert "[all]" in page()
        assert page() != told
        await cockpit.press(pilot, "B")
        assert "waiting for the days" not in page()
        await cockpit.press(pilot, "E")
        assert not isinstance(cockpit.app.screen, EquityScreen)
