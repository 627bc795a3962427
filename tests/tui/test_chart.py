from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.chart import ChartView, ZoneView
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe
from engine.model.view import ContractView
from tests.tui import fake
from tests.tui.charts import NOW, charts
from tui.rows.chart import _steps, candles, levels_of
from tui.rows.chart_marks import PriceLine
from tui.rows.chart_plot import Scale
from tui.styled_text import text_of, width_of

MNQ: ContractView = fake.contracts()[0]
START = NOW // (60 * MINUTE) * 60 * MINUTE


def chart_of(*prices: tuple[int, int, int, int], zones: tuple[ZoneView, ...] = ()) -> ChartView:
    bars = tuple(
        Bar("MNQ", Timeframe.M5, START + i * 5 * MINUTE, *ohlc, volume=10 * (i + 1))
        for i, ohlc in enumerate(prices)
    )
    return ChartView("MNQ", Timeframe.M5, bars, None, zones)


def _column(chart: ChartView, x: int = 29, last: int | None = None, height: int = 12) -> str:
    contract = replace(MNQ, last=None if last is None else MNQ.tick_size * last)
    rows = candles(chart, contract, [], 40, height)
    return "".join(text_of(row)[x] for row in rows[: height - 1])


def _text(chart: ChartView, levels: list[PriceLine], height: int) -> str:
    return "\n".join(text_of(row) for row in candles(chart, MNQ, levels, 60, height))


_bars = st.lists(
    st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.integers(0, 60), st.integers(0, 60)),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60)
@given(_bars, st.integers(1, 160), st.integers(1, 60), st.integers(1, 3), st.integers(0, 80))
def test_the_chart_fills_its_place_exactly(
    raw: list[tuple[int, int, int, int]], width: int, height: int, pitch: int, back: int
) -> None:
    prices = [(84000 + o, 84000 + max(o, c) + u, 84000 + min(o, c) - d, 84000 + c) for o, c, u, d in raw]
    zone = ZoneView("S/R", 0, 83900, 83950, START, 2)
    levels = [PriceLine(84100, "T1", "target"), PriceLine(80000, "SL", "stop")]
    rows = candles(chart_of(*prices, zones=(zone,)), MNQ, levels, width, height, pitch, back)
    assert len(rows) == height or (len(rows) == 1 and (height < 4 or width < 20))
    assert {width_of(row) for row in rows} == {width}


def test_up_is_solid_and_down_is_dashed() -> None:
    up, down = chart_of((100, 200, 100, 200)), chart_of((200, 200, 100, 100))
    assert set(_column(up)) & set("┃┇") == {"┃"}
    assert set(_column(down)) & set("┃┇") == {"┇"}


def test_a_wick_is_thin_and_reaches_the_extremes() -> None:
    column = _column(chart_of((140, 200, 100, 160))).strip()
    assert column[0] in "╷│"
    assert column[-1] in "╵│"
    assert set(column) & set("┃╻╹╽╿")


def test_half_cells_double_the_resolution() -> None:
    scale = Scale(0, 39, 20)
    assert [scale.half(ticks) for ticks in (39, 38, 1, 0)] == [0, 1, 38, 39]


def test_the_last_price_has_its_mark_at_the_axis() -> None:
    rows = candles(charts(CME_FUTURES["MNQ"])[Timeframe.M5], MNQ, [], 90, 20)
    marked = [(text, style) for row in rows for text, style in row if "ink on:" in style]
    assert [(text.strip(), style) for text, style in marked] == [("21034.25", "ink on:up bold")]


def test_levels_are_drawn_and_named_with_their_price() -> None:
    levels = levels_of(fake.trading_view(), MNQ)
    assert {(level.label, level.ticks) for level in levels} == {
        ("T1", 84165),
        ("T2", 84208),
        ("entry", 84114),
        ("SL", 84080),
    }
    text = "\n".join(
        text_of(row) for row in candles(chart_of((84100, 84220, 84060, 84130)), MNQ, levels, 60, 24)
    )
    for words in (" T2 ", "21052.00", " T1 ", "21041.25", " SL ", "21020.00"):
        assert words in text


def test_a_level_in_the_row_of_the_last_price_says_on_which_side_it_is() -> None:
    levels = [PriceLine(84138, "entry", "entry")]
    text = _text(chart_of((84000, 84300, 83900, 84137)), levels, 12)
    assert "entry 21034.50 ▴" in text
    assert text.count("21034.25") == 1


def test_levels_in_one_row_stand_with_their_own_prices() -> None:
    levels = [PriceLine(84220, "entry", "entry"), PriceLine(84221, "SL", "stop")]
    (line,) = [
        line
        for line in _text(chart_of((84000, 84300, 83900, 84000)), levels, 12).splitlines()
        if "SL" in line
    ]
    assert "entry 21055.00 · SL " in line
    assert line.endswith(" 21055.25 ")


def test_the_newest_bar_stands_at_the_right_however_few_there_are() -> None:
    few, many = chart_of(*[(100, 200, 100, 200)] * 3), chart_of(*[(100, 200, 100, 200)] * 90)
    for chart, pitch in ((few, 1), (few, 3), (many, 1), (many, 2)):
        rows, body = candles(chart, replace(MNQ, last=None), [], 100, 12, pitch), "┃" if pitch == 1 else "█"
        row = next(r for r in map(text_of, rows) if body in r)
        assert row.rindex(body) == 91 - 8 - pitch + (pitch > 2)


def test_a_trade_date_and_the_cash_session_have_their_marks() -> None:
    evening = START // (24 * 60 * MINUTE) * 24 * 60 * MINUTE + 21 * 60 * MINUTE  # 16:00 in Chicago
    bars = tuple(
        Bar("MNQ", Timeframe.M30, evening + i * 30 * MINUTE, 100, 120, 90, 110, 5) for i in range(36)
    )
    rows = [
        text_of(row) for row in candles(ChartView("MNQ", Timeframe.M30, bars, None, ()), MNQ, [], 100, 20, 2)
    ]
    at = rows[-1].index("15 Oct")
    marks = [i for i, char in enumerate(rows[0]) if char == "┊"]
    assert marks == [at, at + 2 * 31]  # 17:00 and 08:30
    assert rows[-1].count("Oct") == 1


def test_only_the_nearest_zones_are_drawn_as_outlines_with_names_of_their_own() -> None:
    zones = tuple(ZoneView("OB", 1, 100 + 10 * i, 108 + 10 * i, START, i) for i in range(9))
    chart = chart_of(*[(60, 200, 60, 140)] * 20, zones=zones)
    rows = candles(chart, replace(MNQ, last=MNQ.tick_size * 144), [], 90, 40)
    text = "\n".join(map(text_of, rows))
    assert [f"OB×{i}" in text for i in range(1, 9)] == [False, True, True, True, True, False, False, False]
    assert all("on:zone" not in style for row in rows for _, style in row)


def test_a_far_level_does_not_flatten_the_candles() -> None:
    far = [PriceLine(90000, "T1", "target")]
    text = "\n".join(
        text_of(row) for row in candles(chart_of((84000, 84300, 83950, 84050)), MNQ, far, 60, 16)
    )
    assert "↑ T1" in text
    assert "22500.00" in text


def test_t4_zones_stand_behind_from_where_they_are_known() -> None:
    zone = ZoneView("OB", 1, 100, 140, START, known_at=START + 10 * MINUTE)
    bars = [(100, 200, 100, 200)] * 6
    rows = candles(chart_of(*bars, zones=(zone,)), replace(MNQ, last=None), [], 40, 12, 2)
    drawn = ["".join(("z" if style == "zone-up" else ".") * len(text) for text, style in row) for row in rows]
    assert min(row.index("z") for row in drawn if "z" in row) == 23, "behind the third bar"


def test_looking_back_hides_the_newest() -> None:
    chart = chart_of(*[(100, 110, 90, 100)] * 20, (500, 510, 490, 500))
    newest = candles(chart, replace(MNQ, last=None), [], 60, 12)
    older = candles(chart, replace(MNQ, last=None), [], 60, 12, back=1)
    assert newest != older
    assert not any("125.00" in text_of(row) for row in older)


@pytest.mark.parametrize("frame", list(Timeframe))
def test_times_below_are_round_and_do_not_touch(frame: Timeframe) -> None:
    axis = text_of(candles(charts(CME_FUTURES["MNQ"])[frame], MNQ, [], 100, 20)[-1])
    labels = axis.split()
    if frame.by_calendar:  # a day and its month stand apart, and are two words
        labels = [" ".join(pair) for pair in zip(labels[::2], labels[1::2], strict=True)]
        assert all(label.endswith((" Sep", " Oct")) for label in labels)
        assert len(set(labels)) == len(labels) > 1
        return
    assert all(len(label) == 5 and label.endswith(("0", "5")) for label in labels)
    assert len(labels) >= 1


def test_without_bars_it_says_so() -> None:
    assert text_of(candles(chart_of(), MNQ, [], 60, 12)[0]).strip() == "no bars yet"


def test_entries_of_several_books_in_one_row_are_a_range() -> None:
    near = [PriceLine(84110 + i, "entry", "entry") for i in (0, 1, 2)]
    rows = candles(chart_of((84100, 84220, 84060, 84130)), MNQ, near, 70, 12)
    text = "\n".join(map(text_of, rows))
    assert "entry 21027.50–21028.00" in text
    assert text.count("entry") == 1


def _names_of(*zones: ZoneView, height: int = 40) -> set[str]:
    chart = chart_of(*[(60, 200, 60, 140)] * 20, zones=zones)
    rows = candles(chart, replace(MNQ, last=MNQ.tick_size * 105), [], 90, height)
    text = "\n".join(map(text_of, rows))
    return {zone.kind for zone in zones if f" {zone.kind} " in text}


def test_of_the_other_zones_as_many_are_drawn_as_there_is_room_for() -> None:
    kinds = ("EQ", "IFVG", "FVG", "LIQ", "PDL", "PDH", "PWH", "PWL")
    lines = [ZoneView(kind, 0, 65 + 16 * i, 65 + 16 * i, START) for i, kind in enumerate(kinds)]
    assert _names_of(*lines) == {"LIQ", "PDL", "PDH", "PWH", "PWL", "FVG"}
    assert _names_of(*lines, height=22) == {"PDL", "PDH", "PWH"}
    block = ZoneView("OB", 1, 110, 150, START)
    assert _names_of(block, ZoneView("PDH", 0, 148, 148, START), ZoneView("EQ", 0, 80, 80, START)) == {
        "OB",
        "EQ",
    }
    assert _names_of(ZoneView("PDH", 0, 900, 900, START)) == set()


@given(low=st.integers(70_000, 90_000), reach=st.integers(8, 4_000), height=st.integers(8, 40))
def test_the_axis_has_two_prices_at_least_and_few_enough(low: int, reach: int, height: int) -> None:
    found = _steps(Scale(low, low + reach, height), Decimal("0.25"))
    assert 2 <= len(found) <= height / 2 + 1
